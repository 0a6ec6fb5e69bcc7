/** A round trip of this many unqueued ones … */
const ROUND_TRIPS = 2;
/** … and this much more is beyond what jitter and a pause of the radio explain, once it lasts. */
const EXCESS_US = 150_000;
/** A pause ends with a burst, whose rate tells that the link is as quick as before; what has not happened after this long is no pause. */
const PROOF_MIN_US = 300_000;

/**
 * Notices that a link has become so slow that its queue makes rounds of seconds, for which a judgement by rounds is too late: a phone in a garage, a cell that is full.
 * It does not ask whether the sender is busy, because half of the old rate can be ten times the new one.
 */
export class CollapseWatch {
  #since = Number.POSITIVE_INFINITY;
  #best = 0;

  /**
   * Notes one ack: the newest rate sample, the newest round trip, that of the unqueued link, and whether our own bytes in flight exceed the pipe. Returns the best rate since
   * the queue has been too long to be a pause, or 0.
   */
  onAck(rate: number, rttUs: number, pipeUs: number, isOurs: boolean, now: number): number {
    if (!isOurs || rttUs < ROUND_TRIPS * pipeUs + EXCESS_US) {
      this.#since = Number.POSITIVE_INFINITY;
      return 0;
    }
    if (this.#since === Number.POSITIVE_INFINITY) this.restart(now);
    if (rate > this.#best) this.#best = rate;
    return now - this.#since >= Math.max(PROOF_MIN_US, pipeUs) ? this.#best : 0;
  }

  /** A conclusion was drawn; the next one needs proof of its own. */
  restart(now: number): void {
    this.#since = now;
    this.#best = 0;
  }
}
