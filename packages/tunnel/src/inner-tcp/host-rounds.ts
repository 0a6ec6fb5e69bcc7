import { DOUBLE_ZERO } from "../types.ts";

/** HyStart counts acks at most 2 ms apart as one train (`hystart_ack_delta_us`); a little more keeps it from seeing one. */
export const SPACING_MIN_US = 2_500;
/** HyStart judges the round trips of a round after 8 acks (`HYSTART_MIN_SAMPLES`), and its rounds end a few acks after ours: what is on its way from the host counts in its. */
export const ACKS_PER_ROUND = 5;

/**
 * The rounds of a host's slow start, counted as HyStart counts them (`hystart_reset` in Linux' tcp_cubic.c): one ends with the ack of the last byte that had been sent
 * when it began. Says how far apart acks may go for a round to have fewer of them than HyStart judges.
 */
export class HostRounds {
  /** Sequence number that ends the round. */
  #end = DOUBLE_ZERO;
  #begunAt = -0.5;
  #lengthUs = DOUBLE_ZERO;
  #acks = 0;

  /** An ack goes to the host, which has sent up to `endSequence`. */
  noteAck(acknowledgement: number, endSequence: number, now: number): void {
    this.#acks++;
    if (this.#begunAt >= 0 && !this.isEnd(acknowledgement)) return;
    if (this.#begunAt >= 0) this.#lengthUs = now - this.#begunAt;
    this.#begunAt = now;
    this.#end = endSequence;
    this.#acks = 1;
  }

  /** Whether an ack is the first of the next round. */
  isEnd(acknowledgement: number): boolean {
    return ((acknowledgement - this.#end) | 0) >= 0;
  }

  /** How long after the last ack this one may go. Before the first round has ended, `roundTripUs` stands for its length. */
  spacingUs(acknowledgement: number, roundTripUs: number): number {
    if (this.isEnd(acknowledgement)) return SPACING_MIN_US;
    const lengthUs = this.#lengthUs || roundTripUs;
    return Math.max(SPACING_MIN_US, this.#acks < ACKS_PER_ROUND ? lengthUs / ACKS_PER_ROUND : lengthUs);
  }
}
