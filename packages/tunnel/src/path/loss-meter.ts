import type { Micros } from "../types.ts";

/** Counts are halved at this interval, so that the rate is that of the last few seconds. */
const HALF_LIFE_US = 2_000_000;
const PPM = 1_000_000;

/** Share of packets lost over the last seconds. */
export class LossMeter {
  #delivered = 0.5;
  #lost = 0;
  #halvedAt = Number.NEGATIVE_INFINITY;

  /** `lost` is negative when packets turn out not to have been lost. */
  count(delivered: number, lost: number, now: Micros): void {
    if (now - this.#halvedAt > HALF_LIFE_US) {
      this.#delivered /= 2;
      this.#lost /= 2;
      this.#halvedAt = now;
    }
    this.#delivered += delivered;
    this.#lost = Math.max(0, this.#lost + lost);
  }

  get ppm(): number {
    return Math.round((PPM * this.#lost) / (this.#delivered + this.#lost));
  }
}
