import { DOUBLE_ZERO } from "../types.ts";

const BIN_US = 20_000;
/** The most is judged over so many bins: longer than the bursts of slow start, which a window cuts off after one round trip. */
const PEAK_BINS = 8;
/** A host that drains sends this share of its bandwidth (1 / `bbr_high_gain` = 0.35), give or take what bins and bursts do to it, … */
const DRAIN_MIN = 0.2;
const DRAIN_MAX = 0.5;
/** … for so many bins: a host whose acks are held is silent, and then sends at its rate again. */
const DRAIN_BINS = 4;

/**
 * Tells from what comes in when a host drains, as BBR does after STARTUP: it sends at a third of its bandwidth until no more than that times its minimum round trip is
 * in flight. A floor beneath its round trip would keep it there.
 */
export class DrainWatch {
  isDraining = false;
  hasDrained = false;
  /** The most that came within {@link PEAK_BINS}, as bytes per µs. */
  peakRate = DOUBLE_ZERO;
  readonly #bins = new Float64Array(PEAK_BINS);
  #sum = 0;
  #bin = 0;
  #slowBins = 0;

  noteData(bytes: number, now: number): void {
    const bin = Math.floor(now / BIN_US);
    if (bin - this.#bin > PEAK_BINS) this.#bin = bin - PEAK_BINS;
    while (this.#bin < bin) this.#close();
    this.#bins[bin % PEAK_BINS]! += bytes;
    this.#sum += bytes;
  }

  #close(): void {
    this.peakRate = Math.max(this.peakRate, this.#sum / (PEAK_BINS * BIN_US));
    const share = this.#bins[this.#bin % PEAK_BINS]! / (BIN_US * this.peakRate);
    this.#slowBins = share >= DRAIN_MIN && share <= DRAIN_MAX ? this.#slowBins + 1 : 0;
    this.isDraining = this.#slowBins >= DRAIN_BINS;
    this.hasDrained ||= this.isDraining;
    const oldest = ++this.#bin % PEAK_BINS;
    this.#sum -= this.#bins[oldest]!;
    this.#bins[oldest] = 0;
  }
}
