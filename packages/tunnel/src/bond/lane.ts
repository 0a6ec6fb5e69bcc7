import { MaxFilter } from "../path/max-filter.ts";
import type { Micros, Slot } from "../types.ts";
import { SlotRing } from "./slot-ring.ts";

/** What a lane has to send before it counts as big. */
const BIG_BYTES = 300_000;
/** A lane is sparse up to 320 kbit/s, over windows of 100 ms: a video call's sound, not its picture. */
const SPARSE_WINDOW_US = 100_000;
const SPARSE_WINDOW_BYTES = 4_000;

/** The largest excess is that of this and the previous window. */
const EXCESS_WINDOW_US = 100_000;

/** Where a lane stands in the round of lanes. */
export type Round = "none" | "critical" | "fresh" | "old" | "background";

/** One lane's sending side: its queue, its sequence numbers, its place in the fair queue, and the state of its queue management. */
export class Lane {
  readonly id: number;
  readonly queue = new SlotRing();
  /** Bytes of inner packets in the queue. */
  bytes = 0;
  nextSequence = 0;
  nextUnorderedSequence = 0;
  round: Round = "none";
  /** Next lane of the same round. */
  following: Lane | undefined = undefined;
  deficitBytes = 0;
  /** Share of the bond's capacity that the lane may expect. */
  share = 1;
  isCritical = false;
  isBackground = false;
  /** The ack shaper lets its host see no round trip below this. */
  floorUs = 0;
  /** All of it is one TCP flow's whose window is bounded by this queue. */
  isCredited = false;
  /** Up to what makes the lane big; more makes no difference. */
  sentBytes = 0;
  readonly #excess = new MaxFilter(1);
  /** Bytes sent in the current window of `SPARSE_WINDOW_US`, and when it began. */
  #windowBytes = 0;
  #windowStart = Number.NEGATIVE_INFINITY;
  /** When the queue last went from empty to not empty. */
  busySince = 0.5;
  lastEnteredAt = Number.NEGATIVE_INFINITY;

  /** CoDel state (RFC 8289): since when packets have stayed too long, next drop, drops in a row. */
  aboveSince = 0.5;
  isAbove = false;
  isDropping = false;
  dropNextAt = 0.5;
  dropCount = 0;
  /** Whether the queue has become shorter of late, and what is compared with when. */
  isShrinking = false;
  trendSojournUs = 0.5;
  trendAt = 0.5;
  /** Smoothed time in the queue. */
  sojournUs = 0.5;

  constructor(id: number) {
    this.id = id;
  }

  get packets(): number {
    return this.queue.count;
  }

  get isBig(): boolean {
    return this.sentBytes >= BIG_BYTES;
  }

  push(slot: Slot, bytes: number, now: Micros): void {
    if (this.queue.count === 0) this.busySince = now;
    this.lastEnteredAt = now;
    this.queue.push(slot);
    this.bytes += bytes;
  }

  /** Sends so little that it may go ahead of everything without harm to anyone: a ping, a call, a key press. */
  isSparse(now: Micros): boolean {
    return now - this.#windowStart >= SPARSE_WINDOW_US || this.#windowBytes < SPARSE_WINDOW_BYTES;
  }

  /** Counts bytes that leave. */
  noteSent(bytes: number, now: Micros): void {
    if (!this.isBig) this.sentBytes += bytes;
    if (now - this.#windowStart >= SPARSE_WINDOW_US) {
      this.#windowStart = now;
      this.#windowBytes = 0;
    }
    this.#windowBytes += bytes;
  }

  /** By how much packets of late take longer than one that need not wait and has the quickest path, as predicted when they left: queues, slower paths, repairs, jitter. */
  get excessUs(): number {
    return this.#excess.value;
  }

  noteExcess(excessUs: number, now: Micros): void {
    const window = Math.floor(now / EXCESS_WINDOW_US);
    this.#excess.update(excessUs, window);
    this.#excess.expire(window);
  }

  take(offset: number, bytes: number): Slot {
    this.bytes -= bytes;
    return this.queue.takeAt(offset);
  }
}
