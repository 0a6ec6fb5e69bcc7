import type { OneWayDelay } from "./one-way-delay.ts";
import type { RttEstimator } from "./rtt-estimator.ts";

/** Long enough to remember the last deep drain (see GainCycle). */
const ROUNDS = 16;
/** The floor under load may exceed the all-time minimum by this much; beyond, it is a queue and not jitter. */
const EXCESS_MAX_US = 60_000;
/** Without load for this long the floor is unknown again. */
const LIFE_US = 3_000_000;
/** A delay above the floor proves a queue if it exceeds this and what jitter explains. */
const PROOF_US = 15_000;
/** Jitter reaches this many mean deviations: a uniform one four. */
const JITTER_SPAN = 4;

/**
 * The smallest delays of the last rounds in which the path was busy. On a first-in first-out link with jitter they are far above those of an idle
 * path, because under load every packet waits for the slowest ones ahead of it; only what exceeds them is a queue.
 */
export class LoadedFloor {
  readonly #rtt: RttEstimator;
  readonly #oneWay: OneWayDelay;
  readonly #rttUs = new Float64Array(ROUNDS);
  readonly #delayUs = new Float64Array(ROUNDS);
  #rounds = 0;
  #roundRttUs = Number.POSITIVE_INFINITY;
  #roundDelayUs = Number.POSITIVE_INFINITY;
  #busyAt = Number.NEGATIVE_INFINITY;

  constructor(rtt: RttEstimator, oneWay: OneWayDelay) {
    this.#rtt = rtt;
    this.#oneWay = oneWay;
  }

  /** Notes the newest delays. */
  onAck(): void {
    this.#roundRttUs = Math.min(this.#roundRttUs, this.#rtt.latestUs);
    this.#roundDelayUs = Math.min(this.#roundDelayUs, this.#oneWay.latestUs);
  }

  endRound(isBusy: boolean, now: number): void {
    if (now - this.#busyAt > LIFE_US) this.#rounds = 0;
    if (isBusy && this.#roundRttUs < Number.POSITIVE_INFINITY) {
      this.#busyAt = now;
      this.#rttUs[this.#rounds % ROUNDS] = this.#roundRttUs;
      this.#delayUs[this.#rounds % ROUNDS] = this.#roundDelayUs;
      this.#rounds++;
    }
    this.#roundRttUs = Number.POSITIVE_INFINITY;
    this.#roundDelayUs = Number.POSITIVE_INFINITY;
  }

  /** Round trip that the loaded but unqueued path cannot go below. */
  get rttUs(): number {
    if (this.#rounds === 0) return this.#rtt.loadedMinUs();
    return Math.min(smallest(this.#rttUs, this.#rounds), this.#rtt.minUs + EXCESS_MAX_US);
  }

  /** Packets queue in the link: the newest delay exceeds the floor by more than jitter explains. */
  get isQueueing(): boolean {
    const excessUs =
      this.#rounds === 0 ? this.#oneWay.excessUs : this.#oneWay.latestUs - smallest(this.#delayUs, this.#rounds);
    return excessUs > PROOF_US + JITTER_SPAN * this.#oneWay.variationUs;
  }

  reset(): void {
    this.#rounds = 0;
    this.endRound(false, 0);
  }
}

function smallest(values: Float64Array, count: number): number {
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < Math.min(count, values.length); i++) smallest = Math.min(smallest, values[i]!);
  return smallest;
}
