import type { Slot } from "../types.ts";
import { DOUBLE_ZERO } from "../types.ts";

/** Acks of one flow that may wait at once; beyond it all of them go. */
export const HELD_MAX = 128;
/** Acks that may be handed over in a row, so that the few of a small window need not wait. */
const CREDIT_MAX = 2;
/** A sender in slow start doubles its rate per round; one that takes longer than this for a quarter is over it, or has no more to say. */
const GROWTH = 1.25;
const GROWTH_ROUNDS = 4;

/** A QUIC flow whose host sends through this end of the bond, and its acks that wait. */
export class SpacedFlow {
  readonly lane: number;
  /** Identity of the data direction, see `QuicPacket.flow`. */
  readonly flow: number;
  /** In IP packets that came in. */
  bytes = DOUBLE_ZERO;
  lastDataAt = Number.NEGATIVE_INFINITY;
  /** The host is in slow start, as far as we know. */
  isStarting = true;
  /** Acks that may be handed over now; grows by one per spacing. */
  credit = CREDIT_MAX;
  /** When those that wait go. */
  dueAt = 0.5;
  count = 0;
  readonly #slots = new Int32Array(HELD_MAX);
  /** Of those that wait, so many have gone: the newest, then the oldest. */
  #taken = 0;
  #creditAt = 0.5;
  #roundAt = 0.5;
  #roundBytes = 0;
  #grownBytes = 0;
  #grownAt = 0.5;

  constructor(lane: number, flow: number) {
    this.lane = lane;
    this.flow = flow;
  }

  /** The host was idle: what it sends next may be slow start again. */
  restart(now: number): void {
    this.isStarting = true;
    this.#roundAt = now;
    this.#roundBytes = this.bytes;
    this.#grownBytes = 0;
    this.#grownAt = now;
  }

  noteData(bytes: number, now: number): void {
    this.bytes += bytes;
    this.lastDataAt = now;
  }

  /** Whether the host still sends a quarter more every few round trips, as in slow start. */
  isGrowing(roundUs: number, now: number): boolean {
    const elapsedUs = now - this.#roundAt;
    if (elapsedUs >= roundUs) {
      const bytes = (this.bytes - this.#roundBytes) * (roundUs / elapsedUs);
      this.#roundAt = now;
      this.#roundBytes = this.bytes;
      if (bytes >= this.#grownBytes * GROWTH) {
        this.#grownBytes = bytes;
        this.#grownAt = now;
      }
    }
    return now - this.#grownAt <= GROWTH_ROUNDS * roundUs;
  }

  /** Adds the credit since the last call. A spacing of 0 is no limit. */
  refill(spacingUs: number, now: number): void {
    const earned = spacingUs > 0 ? (now - this.#creditAt) / spacingUs : CREDIT_MAX;
    this.credit = Math.min(CREDIT_MAX, Math.max(0, this.credit) + earned);
    this.#creditAt = now;
  }

  /** Not between the first and the last `take` of a series. */
  push(slot: Slot): void {
    this.#slots[this.count++] = slot;
  }

  /** The newest first, then the others in order. All of them have to be taken in a row. */
  take(): Slot {
    const slot = this.#slots[this.#taken === 0 ? this.count - 1 : this.#taken - 1]!;
    if (++this.#taken === this.count) {
      this.#taken = 0;
      this.count = 0;
    }
    return slot as Slot;
  }
}
