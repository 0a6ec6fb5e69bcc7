import type { Micros } from "../types.ts";

/** Weight of a new sample in srtt and rttvar. RFC 6298 takes 1/8 per round trip; with an ack every few packets 1/16 is as quick. */
const RTT_GAIN = 1 / 16;
/** The all-time minimum is believed this long; routes change (a Starlink handover every 15 s). */
const MIN_RTT_LIFE_US = 20_000_000;
/** The recent minimum: the last 2.5 s, in buckets. */
const BUCKETS = 5;
const BUCKET_US = 500_000;
/** The recent minimum may exceed the all-time minimum by this much; beyond, it is a queue and not jitter. */
const RECENT_EXCESS_MAX_US = 60_000;

/** Round-trip time of one path: smoothed, its variation, all-time minimum, and the minimum of the last seconds. */
export class RttEstimator {
  smoothedUs = 0.5;
  variationUs = 0.5;
  minUs = Number.POSITIVE_INFINITY;
  latestUs = 0.5;
  hasSample = false;
  readonly #buckets = new Float64Array(BUCKETS).fill(Number.POSITIVE_INFINITY);
  #bucketNumber = -1;
  #minAt = 0.5;

  /** `rttUs` excludes the peer's ack delay. */
  sample(rttUs: number, now: Micros): void {
    this.latestUs = rttUs;
    if (this.hasSample) {
      this.variationUs += (Math.abs(rttUs - this.smoothedUs) - this.variationUs) * RTT_GAIN;
      this.smoothedUs += (rttUs - this.smoothedUs) * RTT_GAIN;
    } else {
      this.hasSample = true;
      this.smoothedUs = rttUs;
      this.variationUs = rttUs / 4;
    }
    if (rttUs <= this.minUs || now - this.#minAt > MIN_RTT_LIFE_US) {
      this.minUs = rttUs;
      this.#minAt = now;
    }
    this.#noteRecent(rttUs, now);
  }

  /** Acks come back over a slower way: a round trip beyond all variation is the new one, as after a first sample. RFC 6298 §2 (2.2). */
  rebase(rttUs: number): void {
    if (!this.hasSample || rttUs <= this.smoothedUs + 4 * this.variationUs) return;
    this.smoothedUs = rttUs;
    this.variationUs = rttUs / 4;
  }

  /**
   * The round trip that the path's load cannot go below. On a jittery first-in first-out link that is above the all-time minimum:
   * under load every packet waits for the slowest ones ahead of it.
   */
  loadedMinUs(): number {
    let recent = Number.POSITIVE_INFINITY;
    for (let i = 0; i < BUCKETS; i++) recent = Math.min(recent, this.#buckets[i]!);
    return Math.max(this.minUs, Math.min(recent, this.minUs + RECENT_EXCESS_MAX_US));
  }

  reset(): void {
    this.hasSample = false;
    this.minUs = Number.POSITIVE_INFINITY;
    this.#buckets.fill(Number.POSITIVE_INFINITY);
    this.#bucketNumber = -1;
  }

  #noteRecent(rttUs: number, now: Micros): void {
    const number = Math.floor(now / BUCKET_US);
    const steps = Math.min(BUCKETS, number - this.#bucketNumber);
    for (let i = 0; i < steps; i++) this.#buckets[(number - i) % BUCKETS] = Number.POSITIVE_INFINITY;
    this.#bucketNumber = number;
    if (rttUs < this.#buckets[number % BUCKETS]!) this.#buckets[number % BUCKETS] = rttUs;
  }
}
