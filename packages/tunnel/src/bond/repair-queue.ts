import type { PacketPool } from "../packet-pool.ts";
import { PART_WHOLE, type SentSink } from "../path/sent-ledger.ts";
import type { Slot } from "../types.ts";
import { SlotRing } from "./slot-ring.ts";

const WAITS = 1;

/**
 * Inner packets that were lost on some path and go out again, in the order in which the losses were found, ahead of bulk. A packet that
 * turns out to have arrived after all leaves the queue unsent. Bounded by the pool: every entry is a slot, and a slot waits at most once.
 */
export class RepairQueue implements SentSink {
  readonly #pool: PacketPool;
  readonly #ring = new SlotRing();

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** The next packet to repair, or -1. Skips those that have arrived meanwhile. */
  peek(): Slot {
    for (;;) {
      const slot = this.#ring.peek();
      if (slot < 0 || this.#pool.delivered[slot] !== PART_WHOLE) return slot;
      this.#pool.release(this.take());
    }
  }

  /** Takes the head. The caller holds its reference from then on. */
  take(): Slot {
    const slot = this.#ring.shift();
    this.#pool.repair[slot]! &= ~WAITS;
    return slot;
  }

  get packets(): number {
    return this.#ring.count;
  }

  delivered(slot: Slot, part: number): void {
    this.#pool.delivered[slot]! |= part;
  }

  lost(slot: Slot, part: number): void {
    const pool = this.#pool;
    if ((pool.delivered[slot]! & part) === part || (pool.repair[slot]! & WAITS) !== 0) return;
    pool.repair[slot]! |= WAITS;
    pool.references[slot]!++;
    this.#ring.push(slot);
  }

  forget(slot: Slot): void {
    this.#pool.release(slot);
  }

  clear(): void {
    while (this.#ring.count > 0) this.#pool.release(this.take());
  }
}
