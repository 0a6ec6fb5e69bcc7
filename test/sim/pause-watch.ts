/** Longest time in which a packet was on its way and nothing of its flow came out. A flow that rests makes no pause. */
export class PauseWatch {
  longestUs = 0;
  /** When the longest pause ended. */
  longestAt = 0;
  #lastAt = Number.NEGATIVE_INFINITY;

  /** A packet that had been sent at `sentAt` comes out. */
  note(sentAt: number, now: number): void {
    const pauseUs = now - Math.max(this.#lastAt, sentAt);
    this.#lastAt = now;
    if (pauseUs <= this.longestUs) return;
    this.longestUs = pauseUs;
    this.longestAt = now;
  }
}
