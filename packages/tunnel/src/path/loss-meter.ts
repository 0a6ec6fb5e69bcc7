import type { Micros } from "../types.ts";

/** Counts are halved for each such interval that has passed, so that the rate is that of the last few seconds. */
const HALF_LIFE_US = 2_000_000;
const PPM = 1_000_000;
/** A path that loses more than this makes in-order delivery wait for repairs most of the time. */
export const LOSSY_PPM = 500;
/** A path counts as lossy for this long: what sends little measures no rate any quicker. */
const LOSSY_HOLD_US = 30_000_000;

/** Share of packets lost over the last seconds: all of them, which have to be repaired, and those for which the link is to blame. */
export class LossMeter {
  #delivered = 0.5;
  #lost = 0;
  #overflown = 0;
  #halvedAt = Number.NEGATIVE_INFINITY;
  #lossyUntil = Number.NEGATIVE_INFINITY;

  /** `lost` is negative when packets turn out not to have been lost. `overflown` of them, a queue of our own making did not take. */
  count(delivered: number, lost: number, overflown: number, now: Micros): void {
    const elapsedUs = now - this.#halvedAt;
    if (elapsedUs > HALF_LIFE_US) {
      const left = 2 ** -Math.floor(elapsedUs / HALF_LIFE_US);
      this.#delivered *= left;
      this.#lost *= left;
      this.#overflown *= left;
      this.#halvedAt = now;
    }
    this.#delivered += delivered;
    this.#lost = Math.max(0, this.#lost + lost);
    this.#overflown = Math.min(this.#lost, this.#overflown + overflown);
    if (delivered > 0 && this.ppm > LOSSY_PPM) this.#lossyUntil = now + LOSSY_HOLD_US;
  }

  /** Has lost a share of note of late, as acks confirm. */
  isLossy(now: Micros): boolean {
    return now < this.#lossyUntil;
  }

  get ppm(): number {
    return this.#ppmOf(this.#lost);
  }

  /** Without what was lost because we sent more than the link takes. */
  get linkPpm(): number {
    return this.#ppmOf(this.#lost - this.#overflown);
  }

  #ppmOf(lost: number): number {
    return Math.round((PPM * lost) / (this.#delivered + this.#lost));
  }
}
