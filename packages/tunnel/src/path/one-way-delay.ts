const DELAY_GAIN = 1 / 8;
const VARIATION_GAIN = 1 / 16;
/** The minimum is that of this and the previous window, so that clock drift and a new route are followed. */
const MIN_WINDOW_US = 10_000_000;

/**
 * One-way delay of one path by two unsynchronised clocks: only differences (between paths of one bond, or over time) carry meaning.
 * The base is the delay without the queue that our own packets made, as predicted when they were sent.
 */
export class OneWayDelay {
  /** Without our own queue; the yardstick by which paths are compared. */
  baseUs = 0.5;
  smoothedUs = 0.5;
  variationUs = 0.5;
  latestUs = 0.5;
  hasSample = false;
  #minUs = Number.POSITIVE_INFINITY;
  #previousMinUs = Number.POSITIVE_INFINITY;
  #windowStart = Number.NEGATIVE_INFINITY;

  sample(delayUs: number, ownQueueUs: number, now: number): void {
    this.latestUs = delayUs;
    if (this.hasSample) {
      this.variationUs += (Math.abs(delayUs - this.smoothedUs) - this.variationUs) * VARIATION_GAIN;
      this.smoothedUs += (delayUs - this.smoothedUs) * DELAY_GAIN;
      this.baseUs += (delayUs - ownQueueUs - this.baseUs) * DELAY_GAIN;
    } else {
      this.hasSample = true;
      this.smoothedUs = delayUs;
      this.baseUs = delayUs;
      this.variationUs = 1_000;
    }
    if (now - this.#windowStart > MIN_WINDOW_US) {
      this.#previousMinUs = this.#minUs;
      this.#minUs = delayUs;
      this.#windowStart = now;
    }
    if (delayUs < this.#minUs) this.#minUs = delayUs;
  }

  /** Of the last 10–20 s. */
  get minUs(): number {
    return Math.min(this.#minUs, this.#previousMinUs);
  }

  /** How much the latest packet took longer than the quickest. */
  get excessUs(): number {
    return this.latestUs - this.minUs;
  }

  reset(): void {
    this.hasSample = false;
    this.#minUs = Number.POSITIVE_INFINITY;
    this.#previousMinUs = Number.POSITIVE_INFINITY;
    this.#windowStart = Number.NEGATIVE_INFINITY;
  }
}
