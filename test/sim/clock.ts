/** Doubles near 10^12 µs are 10^-4 µs apart: a wake-up is this much later, so that rounding never makes it too early. */
const ROUNDING_US = 0.01;

/** An end's own monotonic clock: it started at some other time and runs a little fast or slow. */
export class Clock {
  readonly #offsetUs: number;
  readonly #speed: number;

  constructor(offsetUs = 0, driftPpm = 0) {
    this.#offsetUs = offsetUs;
    this.#speed = 1 + driftPpm * 1e-6;
  }

  read(now: number): number {
    return this.#offsetUs + now * this.#speed;
  }

  /** When the clock will show `local`. */
  when(local: number): number {
    return (local - this.#offsetUs) / this.#speed + ROUNDING_US;
  }
}
