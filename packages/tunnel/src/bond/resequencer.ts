import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { FLAG_FIRST_HALF, FLAG_HALVES, FLAG_UNORDERED, FLAG_VOID, LANES, VOID_BODY } from "../wire/lane-header.ts";
import { SlotRing } from "./slot-ring.ts";
import { UnorderedWindow } from "./unordered-window.ts";

const NONE = -1 as Slot;
/** Share of the pool that may wait behind gaps; beyond it the oldest gap is given up. */
const HELD_SHARE = 0.5;
/** Ordinary life of a gap is one loss detection and one repair; this is for a sender that broke the protocol. */
const GAP_DEADLINE_MIN_US = 1_000_000;

/**
 * Puts the packets of each lane in order. A gap is closed by proof: the packet, or a VOID. Packets that wait are chained in a
 * table by lane and sequence, so memory is bounded by the pool alone and an idle lane costs nothing.
 */
export class Resequencer {
  duplicatePackets = 0;
  skippedGaps = 0;
  heldPackets = 0;
  deliveredPackets = 0;
  deliveredBytes = 0;
  /** How long a gap is waited for at last resort. */
  gapDeadlineUs = GAP_DEADLINE_MIN_US;

  readonly #pool: PacketPool;
  readonly #ready = new SlotRing();
  readonly #heldMax: number;
  /** Per lane: next sequence to deliver, packets that wait, since when. */
  readonly #expected = new Uint32Array(LANES);
  readonly #held = new Int32Array(LANES);
  readonly #gapSince = new Float64Array(LANES);
  readonly #unordered: (UnorderedWindow | undefined)[] = new Array<UnorderedWindow | undefined>(LANES).fill(undefined);
  /** Heads of the chains; the links are `pool.chain`. */
  readonly #buckets: Int32Array;

  constructor(pool: PacketPool) {
    this.#pool = pool;
    this.#heldMax = Math.floor(pool.slots * HELD_SHARE);
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(pool.slots))).fill(NONE);
  }

  /** Takes an authenticated packet whose lane, sequence, flags and length stand in the pool. */
  accept(slot: Slot, now: Micros): void {
    const flags = this.#pool.flags[slot]!;
    if ((flags & FLAG_UNORDERED) !== 0) this.#acceptUnordered(slot);
    else if ((flags & FLAG_HALVES) !== 0) this.#acceptHalf(slot, flags, now);
    else this.#acceptOrdered(slot, now);
  }

  /** The next packet in order, or -1. The caller owns it. */
  poll(): Slot {
    const slot = this.#ready.shift();
    if (slot < 0) return slot;
    this.deliveredPackets++;
    this.deliveredBytes += this.#pool.length[slot]!;
    return slot;
  }

  /** Gives up gaps that are older than the deadline. */
  handleTimeout(now: Micros): void {
    if (this.heldPackets === 0) return;
    for (let lane = 0; lane < LANES; lane++) {
      if (this.#held[lane]! > 0 && this.#gapSince[lane]! + this.gapDeadlineUs <= now) this.#skip(lane, now);
    }
  }

  /** When the oldest gap's deadline ends; Infinity without gaps. */
  timeoutAt(): Micros {
    let oldest = Number.POSITIVE_INFINITY;
    if (this.heldPackets === 0) return oldest as Micros;
    for (let lane = 0; lane < LANES; lane++) {
      if (this.#held[lane]! > 0 && this.#gapSince[lane]! < oldest) oldest = this.#gapSince[lane]!;
    }
    return (oldest + this.gapDeadlineUs) as Micros;
  }

  clear(): void {
    for (let slot = this.#ready.shift(); slot >= 0; slot = this.#ready.shift()) this.#pool.free(slot);
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      while (this.#buckets[bucket]! >= 0) {
        const slot = this.#buckets[bucket]! as Slot;
        this.#buckets[bucket] = this.#pool.chain[slot]!;
        this.#pool.free(slot);
      }
    }
    this.#held.fill(0);
    this.heldPackets = 0;
  }

  #acceptUnordered(slot: Slot): void {
    const lane = this.#pool.lane[slot]!;
    let window = this.#unordered[lane];
    if (window === undefined) {
      window = new UnorderedWindow();
      this.#unordered[lane] = window;
    }
    if (window.accept(this.#pool.sequence[slot]!)) this.#ready.push(slot);
    else this.#discardDuplicate(slot);
  }

  #acceptOrdered(slot: Slot, now: Micros): void {
    const lane = this.#pool.lane[slot]!;
    const sequence = this.#pool.sequence[slot]!;
    const ahead = (sequence - this.#expected[lane]!) | 0;
    if (ahead <= 0) {
      if (ahead + this.#spanOf(slot) <= 0) {
        this.#discardDuplicate(slot);
        return;
      }
      this.#deliver(lane, slot);
      if (this.#held[lane]! > 0) this.#drain(lane, now);
      return;
    }
    const present = this.#find(lane, sequence);
    if (present >= 0 && (this.#pool.flags[present]! & FLAG_HALVES) === 0) {
      this.#discardDuplicate(slot);
      return;
    }
    if (present >= 0) this.#pool.free(this.#take(lane, sequence));
    this.#hold(lane, slot, now);
  }

  #acceptHalf(slot: Slot, flags: number, now: Micros): void {
    const lane = this.#pool.lane[slot]!;
    const sequence = this.#pool.sequence[slot]!;
    const present = this.#find(lane, sequence);
    const isLate = ((sequence - this.#expected[lane]!) | 0) < 0;
    const presentHalves = present >= 0 ? this.#pool.flags[present]! & FLAG_HALVES : 0;
    if (isLate || (present >= 0 && (presentHalves === 0 || presentHalves === (flags & FLAG_HALVES)))) {
      this.#discardDuplicate(slot);
      return;
    }
    if (present < 0) {
      this.#hold(lane, slot, now);
      return;
    }
    this.#take(lane, sequence);
    if (this.#join(slot, present)) this.#acceptOrdered(slot, now);
  }

  /** Joins two halves into `slot`. Returns false, and frees both, if they do not fit. */
  #join(slot: Slot, other: Slot): boolean {
    const pool = this.#pool;
    const isFirst = (pool.flags[slot]! & FLAG_FIRST_HALF) !== 0;
    const first = isFirst ? slot : other;
    const last = isFirst ? other : slot;
    const firstBytes = pool.length[first]!;
    const totalBytes = firstBytes + pool.length[last]!;
    if (totalBytes > pool.capacityBytes) {
      pool.free(slot);
      pool.free(other);
      return false;
    }
    const { bytes } = pool.arena;
    const lastOffset = pool.packetOffset(last);
    if (isFirst) {
      bytes.copyWithin(pool.packetOffset(slot) + firstBytes, lastOffset, lastOffset + pool.length[last]!);
    } else {
      bytes.copyWithin(lastOffset + firstBytes, lastOffset, lastOffset + pool.length[last]!);
      bytes.copyWithin(lastOffset, pool.packetOffset(first), pool.packetOffset(first) + firstBytes);
    }
    pool.length[slot] = totalBytes;
    pool.flags[slot] = (pool.flags[first]! | pool.flags[last]!) & ~FLAG_HALVES;
    pool.free(other);
    return true;
  }

  /** Delivers what stands next in the lane. A VOID, or a packet whose first half came before, displaces what waits at its numbers. */
  #deliver(lane: number, slot: Slot): void {
    const end = (this.#pool.sequence[slot]! + this.#spanOf(slot)) >>> 0;
    if (this.#held[lane]! > 0) {
      for (let n = this.#expected[lane]!; n !== end; n = (n + 1) >>> 0) {
        const displaced = this.#take(lane, n);
        if (displaced >= 0) this.#pool.free(displaced);
      }
    }
    this.#expected[lane] = end;
    if ((this.#pool.flags[slot]! & FLAG_VOID) !== 0) this.#pool.free(slot);
    else this.#ready.push(slot);
  }

  /** Sequence numbers that a packet or VOID covers. */
  #spanOf(slot: Slot): number {
    if ((this.#pool.flags[slot]! & FLAG_VOID) === 0) return 1;
    return Math.max(1, this.#pool.arena.view.getUint16(this.#pool.packetOffset(slot) + VOID_BODY.COUNT));
  }

  #drain(lane: number, now: Micros): void {
    while (this.#held[lane]! > 0) {
      const sequence = this.#expected[lane]!;
      const slot = this.#find(lane, sequence);
      if (slot < 0 || (this.#pool.flags[slot]! & FLAG_HALVES) !== 0) break;
      this.#take(lane, sequence);
      this.#deliver(lane, slot);
    }
    this.#gapSince[lane] = now;
  }

  #hold(lane: number, slot: Slot, now: Micros): void {
    if (this.heldPackets >= this.#heldMax) this.#skipOldest(now);
    if (this.#held[lane] === 0) this.#gapSince[lane] = now;
    const bucket = this.#bucketOf(lane, this.#pool.sequence[slot]!);
    this.#pool.chain[slot] = this.#buckets[bucket]!;
    this.#buckets[bucket] = slot;
    this.#held[lane]!++;
    this.heldPackets++;
  }

  /** The packet that waits with this sequence, or -1. */
  #find(lane: number, sequence: number): Slot {
    if (this.#held[lane] === 0) return NONE;
    let slot = this.#buckets[this.#bucketOf(lane, sequence)]!;
    while (slot >= 0 && (this.#pool.sequence[slot] !== sequence || this.#pool.lane[slot] !== lane)) {
      slot = this.#pool.chain[slot]!;
    }
    return slot as Slot;
  }

  /** Unchains the packet with this sequence and returns it, or -1. */
  #take(lane: number, sequence: number): Slot {
    const found = this.#find(lane, sequence);
    if (found < 0) return NONE;
    const bucket = this.#bucketOf(lane, sequence);
    if (this.#buckets[bucket] === found) {
      this.#buckets[bucket] = this.#pool.chain[found]!;
    } else {
      let slot = this.#buckets[bucket]!;
      while (this.#pool.chain[slot] !== found) slot = this.#pool.chain[slot]!;
      this.#pool.chain[slot] = this.#pool.chain[found]!;
    }
    this.#held[lane]!--;
    this.heldPackets--;
    return found;
  }

  #skipOldest(now: Micros): void {
    let oldest = -1;
    for (let lane = 0; lane < LANES; lane++) {
      if (this.#held[lane]! > 0 && (oldest < 0 || this.#gapSince[lane]! < this.#gapSince[oldest]!)) oldest = lane;
    }
    if (oldest >= 0) this.#skip(oldest, now);
  }

  /** Goes on with the lowest sequence that waits. A lone half at the gap is given up with it. */
  #skip(lane: number, now: Micros): void {
    this.skippedGaps++;
    const half = this.#take(lane, this.#expected[lane]!);
    if (half >= 0) this.#pool.free(half);
    this.#expected[lane]!++;
    if (this.#held[lane] === 0) return;
    this.#expected[lane] = this.#lowestHeld(lane);
    this.#drain(lane, now);
  }

  #lowestHeld(lane: number): number {
    const expected = this.#expected[lane]!;
    let lowestAhead = Number.POSITIVE_INFINITY;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      for (let slot = this.#buckets[bucket]!; slot >= 0; slot = this.#pool.chain[slot]!) {
        if (this.#pool.lane[slot] !== lane) continue;
        lowestAhead = Math.min(lowestAhead, (this.#pool.sequence[slot]! - expected) | 0);
      }
    }
    return (expected + lowestAhead) >>> 0;
  }

  #bucketOf(lane: number, sequence: number): number {
    return (sequence + Math.imul(lane, 0x9e37_79b1)) & (this.#buckets.length - 1);
  }

  #discardDuplicate(slot: Slot): void {
    this.duplicatePackets++;
    this.#pool.free(slot);
  }
}
