import { FecEncoder } from "../fec/encoder.ts";
import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import { PART_FIRST, PART_LAST, PART_WHOLE } from "../path/sent-ledger.ts";
import type { Micros, PathId, Slot } from "../types.ts";
import { KIND_DATA, KIND_PARITY, SEAL_BYTES } from "../wire/data-header.ts";
import {
  FLAG_CHECKSUM_PARTIAL,
  FLAG_FIRST_HALF,
  FLAG_LAST_HALF,
  FLAG_PROTECTED,
  FLAG_UNORDERED,
  FLAG_VOID,
  LANE_HEADER,
  writeLaneHeader,
} from "../wire/lane-header.ts";
import { CopyBook } from "./copy-book.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { PathSet } from "./path-set.ts";
import type { Sealer } from "./sealer.ts";

const NO_PATH = -1;
const NO_SLOT = -1;
const WIRE_FLAGS = FLAG_CHECKSUM_PARTIAL | FLAG_VOID | FLAG_UNORDERED | FLAG_PROTECTED;
const SENT_BEFORE = 2;

/**
 * The way out of an inner packet, in order: choice of packet and path (late binding), lane header, seal, record, copies and parity. A run collects
 * what the choice gives to one path in a row, so that late binding and segmentation offload go together.
 */
export class Transmitter {
  readonly copies: CopyBook;
  readonly fec: FecEncoder;
  readonly #pool: PacketPool;
  readonly #paths: PathSet;
  readonly #dispatcher: Dispatcher;
  readonly #sealer: Sealer;

  constructor(pool: PacketPool, paths: PathSet, dispatcher: Dispatcher, sealer: Sealer) {
    this.copies = new CopyBook(pool);
    this.fec = new FecEncoder(pool);
    this.#pool = pool;
    this.#paths = paths;
    this.#dispatcher = dispatcher;
    this.#sealer = sealer;
  }

  /** Seals the next run of inner packets. Returns its path, or -1 if none may leave now. */
  poll(now: Micros): PathId | -1 {
    this.fec.settle();
    const path = this.#sendCopies(now) ?? this.#sendParity(now) ?? this.#sendPackets(now);
    return path === undefined ? NO_PATH : path.id;
  }

  /** When the next packet may leave, given that none may at `now`; Infinity if only an ack can open a way. */
  timeoutAt(now: Micros): Micros {
    let at = this.fec.dueAt;
    if (!this.#dispatcher.hasWork) return Math.min(at, this.#dispatcher.late.dueAt) as Micros;
    for (const path of this.#paths.eligible) {
      if (path.isWindowOpen && path.pacer.nextAt > now) at = Math.min(at, path.pacer.nextAt);
    }
    return at as Micros;
  }

  clear(): void {
    this.copies.clear();
    this.fec.clear();
  }

  #sendPackets(now: Micros): Path | undefined {
    const { copies } = this;
    const dispatcher = this.#dispatcher;
    const { eligible } = this.#paths;
    let path: Path | undefined;
    while (dispatcher.select(eligible, path, now)) {
      const { slot } = dispatcher;
      const chosen = dispatcher.path!;
      if (path === undefined) this.#sealer.begin(chosen);
      else if (chosen !== path || !this.#joins(path, slot)) break;
      if (path === undefined) copies.begin(chosen, eligible, dispatcher.copies);
      path = chosen;
      dispatcher.commit(now);
      if (!dispatcher.isCopy) this.#account(path, slot, now);
      const isWhole = this.#add(path, slot, now);
      if (copies.isActive && !dispatcher.isCopy) copies.note(slot, dispatcher.isUrgent, path, eligible);
      if (!isWhole) break;
    }
    return path;
  }

  /** Copies of the last run's packets, over one path after the other. */
  #sendCopies(now: Micros): Path | undefined {
    const { copies } = this;
    const { eligible } = this.#paths;
    for (let path = copies.turn(eligible, now); path !== undefined; path = copies.turn(eligible, now)) {
      this.#sealer.begin(path);
      for (let slot = copies.peek(now); slot >= 0; slot = copies.peek(now)) {
        if (this.#sealer.datagrams > 0 && !this.#joins(path, slot)) return path;
        copies.take(eligible);
        if (!this.#add(path, slot, now)) return path;
      }
      if (this.#sealer.datagrams > 0) return path;
    }
    return undefined;
  }

  #sendParity(now: Micros): Path | undefined {
    const path = this.fec.turn(this.#paths.eligible, now);
    if (path === undefined) return undefined;
    const { scratchOffset } = this.#pool;
    const plainBytes = this.fec.write(scratchOffset, path);
    this.#sealer.begin(path);
    this.#sealer.add(path, KIND_PARITY, scratchOffset, plainBytes, NO_SLOT, PART_WHOLE, true, now);
    return path;
  }

  /** Whether the packet, whole, can join the run under construction over its path. */
  #joins(path: Path, slot: Slot): boolean {
    const plainBytes = LANE_HEADER.LENGTH + this.#pool.length[slot]!;
    return plainBytes + SEAL_BYTES <= path.maxDatagramBytes && this.#sealer.fits(plainBytes);
  }

  /** Adds the packet to the run. Returns false if it had to be split, which ends the run. */
  #add(path: Path, slot: Slot, now: Micros): boolean {
    const plainBytes = LANE_HEADER.LENGTH + this.#pool.length[slot]!;
    const isWhole = plainBytes + SEAL_BYTES <= path.maxDatagramBytes;
    if (isWhole) this.#addWhole(path, slot, plainBytes, now);
    else this.#addHalves(path, slot, now);
    return isWhole;
  }

  #addWhole(path: Path, slot: Slot, plainBytes: number, now: Micros): void {
    const offset = this.#pool.packetOffset(slot) - LANE_HEADER.LENGTH;
    this.#writeLaneHeader(slot, offset, 0, now);
    this.#sealer.add(path, KIND_DATA, offset, plainBytes, slot, PART_WHOLE, true, now);
  }

  /** Two datagrams of half a packet each, for a path whose datagrams are too small. The last half's header stands where the first half ends. */
  #addHalves(path: Path, slot: Slot, now: Micros): void {
    const pool = this.#pool;
    const { view } = pool.arena;
    const firstBytes = (pool.length[slot]! + 1) >> 1;
    const lastBytes = pool.length[slot]! - firstBytes;
    const offset = pool.packetOffset(slot) - LANE_HEADER.LENGTH;
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

  /** A packet leaves, for the first time or as a repair. What protects it is decided at the first time. */
  #account(path: Path, slot: Slot, now: Micros): void {
    const bytes = LANE_HEADER.LENGTH + this.#pool.length[slot]!;
    path.weightedBytes += bytes / path.plan.weight;
    if ((this.#pool.repair[slot]! & SENT_BEFORE) !== 0) {
      path.repairedPackets++;
      path.repairedBytes += bytes + SEAL_BYTES + path.headerBytes;
    } else if (!this.copies.isActive) {
      const dispatcher = this.#dispatcher;
      if (dispatcher.isCritical) this.fec.protect(slot, path, now);
      else if (dispatcher.isFirst) dispatcher.spare.note(slot, path, now);
    }
    this.#pool.repair[slot]! |= SENT_BEFORE;
  }
}
