import type { PacketPool } from "../packet-pool.ts";
import type { Slot } from "../types.ts";
import { LANES } from "../wire/lane-header.ts";
import { costOf } from "./release-pacer.ts";

const NONE = -1 as Slot;

/**
 * Packets that wait for an earlier one of their lane, by lane and sequence: a hash table whose chains are `pool.chain`. Memory is bounded by the
 * pool alone, and an idle lane costs nothing.
 */
export class HeldPackets {
  /** In all lanes. */
  packets = 0;
  readonly #pool: PacketPool;
  readonly #inLane = new Int32Array(LANES);
  readonly #costInLane = new Int32Array(LANES);
  /** Heads of the chains. */
  readonly #buckets: Int32Array;

  constructor(pool: PacketPool) {
    this.#pool = pool;
    this.#buckets = new Int32Array(2 ** Math.ceil(Math.log2(pool.slots))).fill(NONE);
  }

  inLane(lane: number): number {
    return this.#inLane[lane]!;
  }

  /** What the lane's packets would take of a socket; see {@link costOf}. */
  costBytes(lane: number): number {
    return this.#costInLane[lane]!;
  }

  add(lane: number, slot: Slot): void {
    const bucket = this.#bucketOf(lane, this.#pool.sequence[slot]!);
    this.#pool.chain[slot] = this.#buckets[bucket]!;
    this.#buckets[bucket] = slot;
    this.#count(lane, slot, 1);
  }

  /** The packet with this sequence, or -1. */
  find(lane: number, sequence: number): Slot {
    if (this.#inLane[lane] === 0) return NONE;
    let slot = this.#buckets[this.#bucketOf(lane, sequence)]!;
    while (slot >= 0 && (this.#pool.sequence[slot] !== sequence || this.#pool.lane[slot] !== lane)) {
      slot = this.#pool.chain[slot]!;
    }
    return slot as Slot;
  }

  /** Takes the packet with this sequence out and returns it, or -1. */
  take(lane: number, sequence: number): Slot {
    const found = this.find(lane, sequence);
    if (found < 0) return NONE;
    const bucket = this.#bucketOf(lane, sequence);
    if (this.#buckets[bucket] === found) {
      this.#buckets[bucket] = this.#pool.chain[found]!;
    } else {
      let slot = this.#buckets[bucket]!;
      while (this.#pool.chain[slot] !== found) slot = this.#pool.chain[slot]!;
      this.#pool.chain[slot] = this.#pool.chain[found]!;
    }
    this.#count(lane, found, -1);
    return found;
  }

  /** The lowest sequence that waits in the lane, which must not be empty, from `expected` on. */
  lowest(lane: number, expected: number): number {
    let lowestAhead = Number.POSITIVE_INFINITY;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      for (let slot = this.#buckets[bucket]!; slot >= 0; slot = this.#pool.chain[slot]!) {
        if (this.#pool.lane[slot] !== lane) continue;
        lowestAhead = Math.min(lowestAhead, (this.#pool.sequence[slot]! - expected) | 0);
      }
    }
    return (expected + lowestAhead) >>> 0;
  }

  /** Frees all of them. */
  clear(): void {
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      while (this.#buckets[bucket]! >= 0) {
        const slot = this.#buckets[bucket]! as Slot;
        this.#buckets[bucket] = this.#pool.chain[slot]!;
        this.#pool.free(slot);
      }
    }
    this.#inLane.fill(0);
    this.#costInLane.fill(0);
    this.packets = 0;
  }

  #count(lane: number, slot: Slot, sign: 1 | -1): void {
    this.packets += sign;
    this.#inLane[lane]! += sign;
    this.#costInLane[lane]! += sign * costOf(this.#pool.length[slot]!);
  }

  #bucketOf(lane: number, sequence: number): number {
    return (sequence + Math.imul(lane, 0x9e37_79b1)) & (this.#buckets.length - 1);
  }
}
