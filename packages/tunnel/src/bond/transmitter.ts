import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import { PART_FIRST, PART_LAST, PART_WHOLE } from "../path/sent-ledger.ts";
import type { Micros, PathId, Slot } from "../types.ts";
import { KIND_DATA, SEAL_BYTES } from "../wire/data-header.ts";
import {
  FLAG_CHECKSUM_PARTIAL,
  FLAG_FIRST_HALF,
  FLAG_LAST_HALF,
  FLAG_UNORDERED,
  FLAG_VOID,
  LANE_HEADER,
  writeLaneHeader,
} from "../wire/lane-header.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { PathSet } from "./path-set.ts";
import type { Sealer } from "./sealer.ts";

const NO_PATH = -1;
const WIRE_FLAGS = FLAG_CHECKSUM_PARTIAL | FLAG_VOID | FLAG_UNORDERED;
const SENT_BEFORE = 2;

/**
 * The way out of an inner packet, in order: choice of packet and path (late binding), lane header, seal, record. A run collects
 * what the choice gives to one path in a row, so that late binding and segmentation offload go together.
 */
export class Transmitter {
  readonly #pool: PacketPool;
  readonly #paths: PathSet;
  readonly #dispatcher: Dispatcher;
  readonly #sealer: Sealer;

  constructor(pool: PacketPool, paths: PathSet, dispatcher: Dispatcher, sealer: Sealer) {
    this.#pool = pool;
    this.#paths = paths;
    this.#dispatcher = dispatcher;
    this.#sealer = sealer;
  }

  /** Seals the next run of inner packets. Returns its path, or -1 if none may leave now. */
  poll(now: Micros): PathId | -1 {
    const dispatcher = this.#dispatcher;
    const sealer = this.#sealer;
    let path: Path | undefined;
    while (dispatcher.select(this.#paths.eligible, path, now)) {
      const chosen = dispatcher.path!;
      const plainBytes = LANE_HEADER.LENGTH + this.#pool.length[dispatcher.slot]!;
      const isTooLong = plainBytes + SEAL_BYTES > chosen.maxDatagramBytes;
      if (path !== undefined && (chosen !== path || isTooLong || !sealer.fits(plainBytes))) break;
      if (path === undefined) sealer.begin(chosen);
      path = chosen;
      dispatcher.commit(now);
      if (isTooLong) {
        this.#addHalves(path, dispatcher.slot, now);
        break;
      }
      this.#addWhole(path, dispatcher.slot, plainBytes, now);
    }
    return path === undefined ? NO_PATH : path.id;
  }

  /** When the next packet may leave, given that none may at `now`; Infinity if only an ack can open a way. */
  timeoutAt(now: Micros): Micros {
    let at = Number.POSITIVE_INFINITY;
    if (!this.#dispatcher.hasWork) return at as Micros;
    for (const path of this.#paths.eligible) {
      if (path.isWindowOpen && path.pacer.nextAt > now) at = Math.min(at, path.pacer.nextAt);
    }
    return at as Micros;
  }

  #addWhole(path: Path, slot: Slot, plainBytes: number, now: Micros): void {
    const offset = this.#pool.packetOffset(slot) - LANE_HEADER.LENGTH;
    this.#writeLaneHeader(slot, offset, 0, now);
    this.#account(path, slot, plainBytes, now);
    this.#sealer.add(path, KIND_DATA, offset, plainBytes, slot, PART_WHOLE, true, now);
  }

  /** Two datagrams of half a packet each, for a path whose datagrams are too small. The last half's header stands where the first half ends. */
  #addHalves(path: Path, slot: Slot, now: Micros): void {
    const pool = this.#pool;
    const { view } = pool.arena;
    const firstBytes = (pool.length[slot]! + 1) >> 1;
    const lastBytes = pool.length[slot]! - firstBytes;
    const offset = pool.packetOffset(slot) - LANE_HEADER.LENGTH;
    this.#account(path, slot, LANE_HEADER.LENGTH + pool.length[slot]!, now);
    this.#writeLaneHeader(slot, offset, FLAG_FIRST_HALF, now);
    const firstPlain = LANE_HEADER.LENGTH + firstBytes;
    this.#sealer.add(path, KIND_DATA, offset, firstPlain, slot, PART_FIRST, true, now);
    const high = view.getUint32(offset + firstBytes);
    const low = view.getUint32(offset + firstBytes + 4);
    this.#writeLaneHeader(slot, offset + firstBytes, FLAG_LAST_HALF, now);
    pool.references[slot]!++;
    const lastPlain = LANE_HEADER.LENGTH + lastBytes;
    this.#sealer.add(path, KIND_DATA, offset + firstBytes, lastPlain, slot, PART_LAST, true, now);
    view.setUint32(offset + firstBytes, high);
    view.setUint32(offset + firstBytes + 4, low);
  }

  #writeLaneHeader(slot: Slot, offset: number, halfFlag: number, now: Micros): void {
    const pool = this.#pool;
    const flags = (pool.flags[slot]! & WIRE_FLAGS) | halfFlag;
    const ageUs = now - pool.enteredAt[slot]!;
    writeLaneHeader(pool.arena.view, offset, pool.lane[slot]!, flags, pool.sequence[slot]!, ageUs);
  }

  #account(path: Path, slot: Slot, bytes: number, _now: Micros): void {
    path.weightedBytes += bytes / path.plan.weight;
    if ((this.#pool.repair[slot]! & SENT_BEFORE) !== 0) {
      path.repairedPackets++;
      path.repairedBytes += bytes + SEAL_BYTES + path.headerBytes;
    }
    this.#pool.repair[slot]! |= SENT_BEFORE;
  }
}
