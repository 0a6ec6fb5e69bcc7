import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import { PART_WHOLE } from "../path/sent-ledger.ts";
import type { Micros, Slot } from "../types.ts";
import { FLAG_CHECKSUM_PARTIAL, FLAG_PROTECTED, FLAG_UNORDERED, FLAG_VOID } from "../wire/lane-header.ts";
import {
  PARITY,
  PARITY_SOURCE,
  PARITY_SOURCES_MAX,
  PROTECTED_MAX_BYTES,
  SOURCE_SYMBOL,
  writeParitySource,
} from "../wire/parity.ts";
import { addScaled, ORDER, power } from "./gf256.ts";
import { groupMax, isLossy, parityCount } from "./strength.ts";

/** A new packet waits at most this long for its parity: the deadline of a call leaves no more, and others that leave meanwhile share it. */
const GROUP_US = 2_000;
/** Protection goes on this long after the last measured loss: a call sends too few packets to measure a rate any quicker. */
const HOLD_US = 30_000_000;
const PATH_IDS = 256;

/**
 * Forward error correction of critical packets, which a repair would reach too late: a sliding-window random linear code in the manner of RFC 8681. The
 * window is what was sent and is not known to have arrived. New packets form a group; when it is full, or old enough, parity over the whole
 * window leaves on a path that carried none of the group. Costs nothing while the paths in use lose nothing.
 */
export class FecEncoder {
  isEnabled = true;
  parityPackets = 0;
  readonly #pool: PacketPool;
  /** The window, oldest first, each with a reference to its slot. */
  readonly #slots = new Int32Array(PARITY_SOURCES_MAX);
  readonly #indices = new Uint8Array(PARITY_SOURCES_MAX);
  #count = 0;
  #nextIndex = 0;
  #nextKey = 0;
  #activeUntil = Number.NEGATIVE_INFINITY;
  /** Packets that no parity covers yet, and since when. */
  #groupPackets = 0;
  #groupSince = 0.5;
  #groupLossPpm = 0;
  /** Parity still to be sent for the last group. */
  #wanted = 0;
  /** Datagrams of the group per path. */
  readonly #carried = new Uint8Array(PATH_IDS);

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** A critical packet is about to leave over `path`. It joins the window if there is loss to be expected. */
  protect(slot: Slot, path: Path, now: Micros): void {
    const pool = this.#pool;
    const lossPpm = path.lossMeter.ppm;
    if (isLossy(lossPpm)) this.#activeUntil = now + HOLD_US;
    if (!this.isEnabled || now >= this.#activeUntil) return;
    if (pool.length[slot]! > PROTECTED_MAX_BYTES || (pool.flags[slot]! & FLAG_VOID) !== 0) return;
    this.settle();
    if (this.#count === PARITY_SOURCES_MAX) this.#dropOldest();
    pool.flags[slot]! |= FLAG_PROTECTED;
    pool.references[slot]!++;
    this.#slots[this.#count] = slot;
    this.#indices[this.#count++] = this.#nextIndex;
    this.#nextIndex = (this.#nextIndex + 1) % ORDER;
    if (this.#groupPackets++ === 0) this.#beginGroup(now);
    this.#groupLossPpm = Math.max(this.#groupLossPpm, lossPpm);
    this.#carried[path.id]!++;
  }

  /** When parity is due; Infinity without new packets. */
  get dueAt(): number {
    if (this.#wanted > 0 || this.#isGroupFull()) return this.#groupSince;
    return this.#groupPackets > 0 ? this.#groupSince + GROUP_US : Number.POSITIVE_INFINITY;
  }

  /** The path that parity is to leave over at this moment. Parity for which no path has room is left out. */
  turn(paths: readonly Path[], now: Micros): Path | undefined {
    if (this.dueAt > now) return undefined;
    this.settle();
    const path = this.#count === 0 ? undefined : this.#choosePath(paths, now);
    if (path === undefined) this.#wanted = 0;
    else this.#wanted = (this.#groupPackets > 0 ? this.#parityOver(path) : this.#wanted) - 1;
    this.#groupPackets = 0;
    return path;
  }

  /** Writes the plaintext of one PARITY for the path of `turn`. Returns its length in bytes. */
  write(offset: number, path: Path): number {
    const { arena, length, lane, sequence, flags } = this.#pool;
    const key = this.#nextKey;
    const symbol = offset + PARITY.SOURCES + this.#count * PARITY_SOURCE.LENGTH;
    let longest = 0;
    for (let i = 0; i < this.#count; i++) longest = Math.max(longest, length[this.#slots[i]!]!);
    const end = symbol + SOURCE_SYMBOL.PACKET + longest;
    arena.view.setUint8(offset + PARITY.KEY, key);
    arena.view.setUint8(offset + PARITY.COUNT, this.#count);
    arena.bytes.fill(0, symbol, end);
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#slots[i]! as Slot;
      const at = offset + PARITY.SOURCES + i * PARITY_SOURCE.LENGTH;
      const shown = flags[slot]! & (FLAG_CHECKSUM_PARTIAL | FLAG_UNORDERED);
      writeParitySource(arena.view, at, this.#indices[i]!, lane[slot]!, shown, sequence[slot]!);
      this.#addSource(symbol, slot, power(key * this.#indices[i]!));
    }
    this.#nextKey = (key + 1) % ORDER;
    this.#carried[path.id]!++;
    this.parityPackets++;
    return end - offset;
  }

  /** Lets go of packets that have arrived. */
  settle(): void {
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      const slot = this.#slots[i]! as Slot;
      if (this.#pool.delivered[slot] === PART_WHOLE) {
        this.#pool.release(slot);
      } else {
        this.#slots[kept] = slot;
        this.#indices[kept++] = this.#indices[i]!;
      }
    }
    this.#count = kept;
  }

  clear(): void {
    while (this.#count > 0) this.#dropOldest();
    this.#groupPackets = 0;
    this.#wanted = 0;
  }

  #beginGroup(now: Micros): void {
    this.#groupSince = now;
    this.#groupLossPpm = 0;
    this.#wanted = 0;
    this.#carried.fill(0);
  }

  #parityOver(path: Path): number {
    return parityCount(this.#groupLossPpm, path.lossMeter.ppm);
  }

  #isGroupFull(): boolean {
    return this.#groupPackets > 0 && this.#groupPackets >= groupMax(this.#groupLossPpm);
  }

  /**
   * The path that carried the fewest datagrams of the group, of these the quickest. One over which parity would arrive later than a
   * repair over the quickest does not count.
   */
  #choosePath(paths: readonly Path[], now: Micros): Path | undefined {
    let latestAt = Number.POSITIVE_INFINITY;
    for (const path of paths) {
      if (path.takesUrgent(now)) latestAt = Math.min(latestAt, path.arrivalAt(now) + path.rtt.smoothedUs);
    }
    let best: Path | undefined;
    for (const path of paths) {
      if (!path.takesUrgent(now) || path.arrivalAt(now) > latestAt) continue;
      const advantage = best === undefined ? 1 : this.#carried[best.id]! - this.#carried[path.id]!;
      const isQuicker = best === undefined || path.arrivalAt(now) < best.arrivalAt(now);
      if (advantage > 0 || (advantage === 0 && isQuicker)) best = path;
    }
    return best;
  }

  /** The symbol's length field stands in the slot's headroom, which every transmission writes anew. */
  #addSource(offset: number, slot: Slot, factor: number): void {
    const { arena, length } = this.#pool;
    const packetOffset = this.#pool.packetOffset(slot);
    const header = packetOffset - SOURCE_SYMBOL.PACKET;
    arena.view.setUint16(header, length[slot]!);
    addScaled(arena.bytes, offset, arena.bytes, header, SOURCE_SYMBOL.PACKET + length[slot]!, factor);
  }

  #dropOldest(): void {
    this.#pool.release(this.#slots[0]! as Slot);
    this.#slots.copyWithin(0, 1, this.#count);
    this.#indices.copyWithin(0, 1, this.#count);
    this.#count--;
  }
}
