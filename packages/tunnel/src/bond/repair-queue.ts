import type { PacketPool } from "../packet-pool.ts";
import { PART_WHOLE, type SentSink } from "../path/sent-ledger.ts";
import type { Slot } from "../types.ts";
import { LANES } from "../wire/lane-header.ts";
import type { Backlog } from "./schedulers/path-chooser.ts";
import { SlotRing } from "./slot-ring.ts";
import { Unreleased } from "./unreleased.ts";

const WAITS = 1;
/** It waits, and is not to be sent: it is on its way after all. */
const WITHDRAWN = 4;

/**
 * Inner packets that were lost on some path and go out again, ahead of bulk, in the order in which they came in, which is that of each lane: the far end waits for
 * the oldest, and a repair that is lost in its turn must not queue behind all that a dead path had in flight. A packet that turns out to have arrived after all leaves
 * the queue unsent, and one of which a timely copy is under way does not enter it. Bounded by the pool: every entry is a slot, and a slot waits at most once.
 */
export class RepairQueue implements SentSink, Backlog {
  readonly queue = new SlotRing();
  /** Bytes of the inner packets that wait. */
  bytes = 0;
  readonly share = 1;
  readonly isBig = false;
  readonly floorUs = 0;
  readonly unreleased: Unreleased;
  /** Lanes with packets that wait and are needed. */
  lanes = 0;
  readonly #neededInLane = new Uint16Array(LANES);
  readonly #pool: PacketPool;

  constructor(pool: PacketPool) {
    this.#pool = pool;
    this.unreleased = new Unreleased(pool);
  }

  /** The next packet to repair, or -1. Skips those that have arrived meanwhile. */
  peek(): Slot {
    for (;;) {
      const slot = this.queue.peek();
      if (slot < 0 || !this.isNeedless(slot)) return slot;
      this.#pool.release(this.take(0));
    }
  }

  /** It has arrived, or is on its way. */
  isNeedless(slot: Slot): boolean {
    return this.#pool.delivered[slot] === PART_WHOLE || (this.#pool.repair[slot]! & WITHDRAWN) !== 0;
  }

  /** Takes the packet at `offset` from the head. The caller holds its reference from then on. */
  take(offset: number): Slot {
    const slot = this.queue.takeAt(offset);
    this.bytes -= this.#pool.length[slot]!;
    if (!this.isNeedless(slot)) this.#countOut(slot);
    this.#pool.repair[slot]! &= ~(WAITS | WITHDRAWN);
    return slot;
  }

  /** Whether packets of the lane wait and are needed: a needless one stays until its turn comes, and must keep nobody from going on. */
  hasLane(laneId: number): boolean {
    return this.#neededInLane[laneId]! > 0;
  }

  get packets(): number {
    return this.queue.count;
  }

  delivered(slot: Slot, part: number): void {
    const pool = this.#pool;
    const before = pool.delivered[slot]!;
    if (before === PART_WHOLE || (before | part) !== PART_WHOLE) {
      pool.delivered[slot] = before | part;
      return;
    }
    if (this.#waits(slot) && !this.isNeedless(slot)) this.#countOut(slot);
    pool.delivered[slot] = PART_WHOLE;
    this.unreleased.arrive(slot);
  }

  lost(slot: Slot, part: number): void {
    const pool = this.#pool;
    const isNeededAgain = this.#waits(slot) && (pool.repair[slot]! & WITHDRAWN) !== 0;
    pool.repair[slot]! &= ~WITHDRAWN;
    if (isNeededAgain && !this.isNeedless(slot)) this.#countIn(slot);
    if (pool.expected[slot]! > 0) pool.expected[slot]!--;
    if ((pool.delivered[slot]! & part) === part || this.#waits(slot)) return;
    if (pool.expected[slot]! > 0) return;
    pool.repair[slot]! |= WAITS;
    this.#countIn(slot);
    pool.references[slot]!++;
    this.bytes += pool.length[slot]!;
    this.queue.insert(slot, pool.enteredAt);
  }

  /** A repair that has left is one copy under way, the packet itself another. */
  restored(slot: Slot, part: number): void {
    const pool = this.#pool;
    if (!this.#waits(slot)) {
      if ((pool.delivered[slot]! & part) !== part) pool.expected[slot] = Math.max(2, pool.expected[slot]!);
      return;
    }
    if (!this.isNeedless(slot)) this.#countOut(slot);
    pool.repair[slot]! |= WITHDRAWN;
  }

  forget(slot: Slot): void {
    this.#pool.release(slot);
  }

  clear(): void {
    while (this.queue.count > 0) this.#pool.release(this.take(0));
  }

  #waits(slot: Slot): boolean {
    return (this.#pool.repair[slot]! & WAITS) !== 0;
  }

  #countIn(slot: Slot): void {
    if (this.#neededInLane[this.#pool.lane[slot]!]!++ === 0) this.lanes++;
  }

  #countOut(slot: Slot): void {
    if (--this.#neededInLane[this.#pool.lane[slot]!]! === 0) this.lanes--;
  }
}
