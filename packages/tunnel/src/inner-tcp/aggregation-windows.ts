import { DOUBLE_ZERO } from "../types.ts";
import { distance } from "./tcp-packet.ts";

/** BBR remembers what came at once by windows of so many of its rounds (`bbr_extra_acked_win_rtts` in Linux' tcp_bbr.c). It remembers this one and the last. */
const WINDOW_ROUNDS = 5;

/**
 * A BBR host's rounds, counted as `bbr_update_bw` does, and the windows that `bbr_update_ack_aggregation` makes of them. A round begins with the first ack of what was
 * sent after the one before had begun. What the host had sent until then is known from its timestamps (RFC 7323): it echoes that of the newest ack it has seen.
 */
export class AggregationWindows {
  #rounds = 0;
  /** Up to this sequence number, an ack belongs to the round. */
  #roundEnd = DOUBLE_ZERO;
  /** Of the ack that began the round. */
  #timestamp = DOUBLE_ZERO;
  /** The host may have sent more before it had that ack. */
  #isOpen = false;

  constructor(sequence: number) {
    this.#roundEnd = sequence;
  }

  /** Whether an ack begins a round if it is the next to go. */
  beginsRound(acknowledgement: number): boolean {
    return distance(acknowledgement, this.#roundEnd) > 0;
  }

  /** The window that an ack belongs to if it is the next to go. */
  windowOf(acknowledgement: number): number {
    return Math.floor((this.#rounds + (this.beginsRound(acknowledgement) ? 1 : 0)) / WINDOW_ROUNDS);
  }

  /** Data up to `endSequence` has come from the host, with the echo of a timestamp. */
  noteData(endSequence: number, echo: number): void {
    if (!this.#isOpen) return;
    if (distance(echo, this.#timestamp) >= 0) this.#isOpen = false;
    else if (distance(endSequence, this.#roundEnd) > 0) this.#roundEnd = endSequence;
  }

  /** An ack goes to the host, from which data up to `endSequence` has come. Without timestamps, that is taken for all that the host had sent. */
  noteAck(acknowledgement: number, endSequence: number, timestamp: number, hasTimestamps: boolean): void {
    if (!this.beginsRound(acknowledgement)) return;
    this.#rounds++;
    this.#roundEnd = endSequence;
    this.#timestamp = timestamp;
    this.#isOpen = hasTimestamps;
  }
}
