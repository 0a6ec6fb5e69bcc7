import { DOUBLE_ZERO } from "../types.ts";

/** BBR remembers what came at once by windows of so many of its rounds (`bbr_extra_acked_win_rtts` in Linux' tcp_bbr.c). It remembers this one and the last. */
const WINDOW_ROUNDS = 5;
/** What comes in up to so long after an ack went out may have been sent before the host had that ack. */
const WAY_US = 500;

/** A BBR host's rounds, counted as `bbr_update_bw` does, and the windows that `bbr_update_ack_aggregation` makes of them. */
export class AggregationWindows {
  #rounds = 0;
  #begunAt = Number.NEGATIVE_INFINITY;
  /** The host had sent up to somewhere between these sequence numbers when its round began; an ack of more begins the next one. */
  #earliestEnd = DOUBLE_ZERO;
  #latestEnd = DOUBLE_ZERO;
  /** The earliest end of the next round, from the first ack that may have begun it. */
  #nextEnd = DOUBLE_ZERO;
  #mayHaveBegun = false;

  constructor(sequence: number) {
    this.#earliestEnd = sequence;
    this.#latestEnd = sequence;
  }

  /** The window that an ack may belong to if it is the next to go. */
  windowOf(acknowledgement: number): number {
    const mayBegin = distance(acknowledgement, this.#earliestEnd) > 0;
    return Math.floor((this.#rounds + (mayBegin ? 1 : 0)) / WINDOW_ROUNDS);
  }

  /** Data up to `endSequence` has come from the host. */
  noteData(endSequence: number, now: number): void {
    if (now - this.#begunAt < WAY_US) this.#latestEnd = endSequence;
  }

  /** An ack goes to the host, from which data up to `endSequence` has come. */
  noteAck(acknowledgement: number, endSequence: number, now: number): void {
    if (!this.#mayHaveBegun && distance(acknowledgement, this.#earliestEnd) > 0) {
      this.#mayHaveBegun = true;
      this.#nextEnd = endSequence;
    }
    if (distance(acknowledgement, this.#latestEnd) <= 0) return;
    this.#rounds++;
    this.#begunAt = now;
    this.#earliestEnd = this.#nextEnd;
    this.#latestEnd = endSequence;
    this.#mayHaveBegun = false;
  }
}

/** How far a sequence number is ahead of another one. */
function distance(sequence: number, base: number): number {
  return (sequence - base) | 0;
}
