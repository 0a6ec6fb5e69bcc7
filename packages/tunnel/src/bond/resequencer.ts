import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { DOUBLE_ZERO } from "../types.ts";
import { isUdp } from "../wire/inner-packet.ts";
import { FLAG_FIRST_HALF, FLAG_HALVES, FLAG_UNORDERED, FLAG_VOID, LANES, VOID_BODY } from "../wire/lane-header.ts";
import { HeldPackets } from "./held-packets.ts";
import { costOf, ReleasePacer } from "./release-pacer.ts";
import { SlotRing } from "./slot-ring.ts";
import { UnorderedWindow } from "./unordered-window.ts";

const NONE = -1 as Slot;
/** Share of the pool that may wait; beyond it a paced release ends at once or, where there is none, the oldest gap is given up. */
const HELD_SHARE = 0.5;
/** Ordinary life of a gap is one loss detection and one repair; this is for a sender that broke the protocol. */
const GAP_DEADLINE_MIN_US = 1_000_000;

/**
 * Puts the packets of each lane in order. A gap is closed by proof: the packet, or a VOID.
 *
 * What waited leaves as soon as its gap is closed, UDP paced (see {@link ReleasePacer}): the application's socket would overflow. TCP takes bursts.
 */
export class Resequencer {
  duplicatePackets = 0;
  skippedGaps = 0;
  deliveredPackets = 0;
  deliveredBytes = DOUBLE_ZERO;
  /** How long a gap is waited for at last resort. */
  gapDeadlineUs = GAP_DEADLINE_MIN_US;

  readonly #pool: PacketPool;
  readonly #ready = new SlotRing();
  readonly #heldMax: number;
  readonly #held: HeldPackets;
  /** Per lane: next sequence to deliver, since when packets wait. */
  readonly #expected = new Uint32Array(LANES);
  readonly #gapSince = new Float64Array(LANES);
  /** When the lane's paced release goes on; Infinity if none is under way. */
  readonly #resumeAt = new Float64Array(LANES).fill(Number.POSITIVE_INFINITY);
  readonly #pacer = new ReleasePacer();
  /** What came during a pause of the process is read in a burst until then. */
  #stallSince = 0.5 as Micros;
  #catchUpUntil = Number.NEGATIVE_INFINITY;
  readonly #unordered: (UnorderedWindow | undefined)[] = new Array<UnorderedWindow | undefined>(LANES).fill(undefined);

  constructor(pool: PacketPool) {
    this.#pool = pool;
    this.#heldMax = Math.floor(pool.slots * HELD_SHARE);
    this.#held = new HeldPackets(pool);
  }

  /** Packets that wait for an earlier one. */
  get heldPackets(): number {
    return this.#held.packets;
  }

  /** Takes an authenticated packet whose lane, sequence, flags and length stand in the pool. */
  accept(slot: Slot, now: Micros): void {
    const flags = this.#pool.flags[slot]!;
    if ((flags & FLAG_UNORDERED) !== 0) this.#acceptUnordered(slot);
    else if ((flags & FLAG_HALVES) !== 0) this.#acceptHalf(slot, flags, now);
    else this.#acceptOrdered(slot, now);
  }

  /** The process has not run since `since`: what it reads is paced for as long again, as if all of it had waited behind a gap. */
  noteStall(since: Micros, now: Micros): void {
    this.#stallSince = since;
    this.#catchUpUntil = 2 * now - since;
  }

  /** The next packet in order, or -1. The caller owns it. */
  poll(): Slot {
    const slot = this.#ready.shift();
    if (slot < 0) return slot;
    this.deliveredPackets++;
    this.deliveredBytes += this.#pool.length[slot]!;
    return slot;
  }

  /** Goes on with paced releases, and gives up gaps that are older than the deadline. */
  handleTimeout(now: Micros): void {
    if (this.#held.packets === 0) return;
    for (let lane = 0; lane < LANES; lane++) {
      if (this.#resumeAt[lane]! <= now) this.#drain(lane, now);
      if (this.#held.inLane(lane) > 0 && this.#gapSince[lane]! + this.gapDeadlineUs <= now) this.#skip(lane, now);
    }
  }

  /** When a paced release goes on, or the oldest gap's deadline ends; Infinity if nothing waits. */
  timeoutAt(): Micros {
    let at = Number.POSITIVE_INFINITY;
    if (this.#held.packets === 0) return at as Micros;
    for (let lane = 0; lane < LANES; lane++) {
      if (this.#held.inLane(lane) > 0)
        at = Math.min(at, this.#resumeAt[lane]!, this.#gapSince[lane]! + this.gapDeadlineUs);
    }
    return at as Micros;
  }

  clear(): void {
    for (let slot = this.#ready.shift(); slot >= 0; slot = this.#ready.shift()) this.#pool.free(slot);
    this.#held.clear();
    this.#resumeAt.fill(Number.POSITIVE_INFINITY);
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
    this.#pacer.noteArrival(lane, this.#costOf(slot), now < this.#catchUpUntil ? this.#stallSince : now);
    const isNext = ahead < 0 || (ahead === 0 && !this.#isReleasing(lane));
    if (isNext) {
      if (ahead + this.#spanOf(slot) <= 0) {
        this.#discardDuplicate(slot);
        return;
      }
      this.#acceptNext(lane, slot, now);
      return;
    }
    const present = this.#held.find(lane, sequence);
    if (present >= 0 && (this.#pool.flags[present]! & FLAG_HALVES) === 0) {
      this.#discardDuplicate(slot);
      return;
    }
    if (present >= 0) this.#pool.free(this.#held.take(lane, sequence));
    this.#hold(lane, slot, now);
  }

  /** Delivers the packet that stands next, and what waited for it. */
  #acceptNext(lane: number, slot: Slot, now: Micros): void {
    if (this.#held.inLane(lane) > 0) {
      this.#pacer.charge(lane, this.#costOf(slot));
      this.#deliver(lane, slot);
      this.#drain(lane, now);
    } else if (now < this.#catchUpUntil && this.#isPaced(slot)) {
      this.#hold(lane, slot, now);
      this.#drain(lane, now);
    } else {
      this.#deliver(lane, slot);
    }
  }

  #acceptHalf(slot: Slot, flags: number, now: Micros): void {
    const lane = this.#pool.lane[slot]!;
    const sequence = this.#pool.sequence[slot]!;
    const present = this.#held.find(lane, sequence);
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
    this.#held.take(lane, sequence);
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
    if (this.#held.inLane(lane) > 0) {
      for (let n = this.#expected[lane]!; n !== end; n = (n + 1) >>> 0) {
        const displaced = this.#held.take(lane, n);
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

  #isReleasing(lane: number): boolean {
    return this.#resumeAt[lane] !== Number.POSITIVE_INFINITY;
  }

  /** Delivers what stands next in the lane for as long as nothing is missing, UDP only as fast as the pacer says. */
  #drain(lane: number, now: Micros): void {
    this.#pacer.refill(lane, this.#held.costBytes(lane), now);
    this.#resumeAt[lane] = Number.POSITIVE_INFINITY;
    while (this.#held.inLane(lane) > 0) {
      const slot = this.#findNext(lane);
      if (slot < 0) break;
      if (this.#isPaced(slot) && !this.#pacer.take(lane, this.#costOf(slot))) {
        this.#resumeAt[lane] = this.#pacer.readyAt(lane, this.#held.costBytes(lane), now);
        break;
      }
      this.#held.take(lane, this.#pool.sequence[slot]!);
      this.#deliver(lane, slot);
    }
    this.#gapSince[lane] = now;
  }

  /** Ends a paced release at once. */
  #flush(lane: number): void {
    this.#resumeAt[lane] = Number.POSITIVE_INFINITY;
    for (let slot = this.#findNext(lane); slot >= 0; slot = this.#findNext(lane)) {
      this.#held.take(lane, this.#pool.sequence[slot]!);
      this.#deliver(lane, slot);
    }
  }

  /** The whole packet that waits at the lane's next sequence, or -1. */
  #findNext(lane: number): Slot {
    const slot = this.#held.find(lane, this.#expected[lane]!);
    return slot >= 0 && (this.#pool.flags[slot]! & FLAG_HALVES) === 0 ? slot : NONE;
  }

  #costOf(slot: Slot): number {
    return costOf(this.#pool.length[slot]!);
  }

  #isPaced(slot: Slot): boolean {
    if ((this.#pool.flags[slot]! & FLAG_VOID) !== 0) return false;
    return isUdp(this.#pool.arena.view, this.#pool.packetOffset(slot));
  }

  #hold(lane: number, slot: Slot, now: Micros): void {
    if (this.#held.inLane(lane) === 0) this.#gapSince[lane] = now;
    this.#held.add(lane, slot);
    if (this.#held.packets > this.#heldMax) this.#makeRoom(now);
  }

  #makeRoom(now: Micros): void {
    let oldest = -1;
    for (let lane = 0; lane < LANES; lane++) {
      if (this.#isReleasing(lane)) {
        this.#flush(lane);
        return;
      }
      if (this.#held.inLane(lane) > 0 && (oldest < 0 || this.#gapSince[lane]! < this.#gapSince[oldest]!)) oldest = lane;
    }
    if (oldest >= 0) this.#skip(oldest, now);
  }

  /** Goes on with the lowest sequence that waits. A lone half at the gap is given up with it. */
  #skip(lane: number, now: Micros): void {
    this.skippedGaps++;
    const half = this.#held.take(lane, this.#expected[lane]!);
    if (half >= 0) this.#pool.free(half);
    this.#expected[lane]!++;
    if (this.#held.inLane(lane) === 0) return;
    this.#expected[lane] = this.#held.lowest(lane, this.#expected[lane]!);
    this.#drain(lane, now);
  }

  #discardDuplicate(slot: Slot): void {
    this.duplicatePackets++;
    this.#pool.free(slot);
  }
}
