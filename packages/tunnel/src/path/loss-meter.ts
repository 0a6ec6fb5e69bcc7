import type { Micros } from "../types.ts";

/** Counts are halved for each such interval that has passed, so that the rate is that of the last few seconds. */
const HALF_LIFE_US = 2_000_000;
const PPM = 1_000_000;

/** Share of packets lost over the last seconds. */
export class LossMeter {
  #delivered = 0.5;
  #lost = 0;
  #halvedAt = Number.NEGATIVE_INFINITY;

  /** `lost` is negative when packets turn out not to have been lost. */
  count(delivered: number, lost: number, now: Micros): void {
    const elapsedUs = now - this.#halvedAt;
    if (elapsedUs > HALF_LIFE_US) {
      const left = 2 ** -Math.floor(elapsedUs / HALF_LIFE_US);
      this.#delivered *= left;
      this.#lost *= left;
      this.#halvedAt = now;
    }
    this.#delivered += delivered;
    this.#lost = Math.max(0, this.#lost + lost);
  }

  get ppm(): number {
    return Math.round((PPM * this.#lost) / (this.#delivered + this.#lost));
  }
}
