import type { Micros } from "../types.ts";
import type { DeliverySampler } from "./delivery-sampler.ts";
import { GainCycle } from "./gain-cycle.ts";
import type { OneWayDelay } from "./one-way-delay.ts";
import { INITIAL_RATE, PACKET_BYTES, PipeModel } from "./pipe-model.ts";
import type { RttEstimator } from "./rtt-estimator.ts";

/** From BBR (draft-ietf-ccwg-bbr). */
const WINDOW_GAIN = 2;

// Ours.
const INITIAL_WINDOW_BYTES = 32 * PACKET_BYTES;
const MIN_WINDOW_BYTES = 8 * PACKET_BYTES;
/** Acks come in batches (the peer's ack spacing, its loop and ours); the window must span them. */
const ACK_BATCH_US = 5_000;
/** The window spans jitter of this many mean deviations. */
const JITTER_SPAN = 4;
/**
 * A first-in first-out link with jitter takes far longer under load than idle, and at first only the idle round trips are known: a window by those never
 * lets the path grow. In start-up it spans this much more where packets take it; beyond, it is a queue.
 */
const STARTUP_EXCESS_MAX_US = 30_000;
/**
 * Jitter makes a link look several percent quicker than it is, and sending at that rate builds a queue from one probe to the next. From this much on, beyond
 * what acks in batches explain, a cruising path sends less until the queue is gone.
 */
const CRUISE_QUEUE_US = 2_000;
const RELIEF_GAIN = 0.92;

/**
 * Rate and window of one path, in the manner of BBR: a model of the pipe (bandwidth × round trip) and not loss decides. Random loss
 * therefore costs nothing, and the queue stays in our own sender, where it can be scheduled, and not in the modem.
 */
export class CongestionControl {
  readonly pipe: PipeModel;
  readonly cycle: GainCycle;
  /** Bytes per µs, counted as IP packets. */
  pacingRate: number = INITIAL_RATE;
  windowBytes: number = INITIAL_WINDOW_BYTES;
  readonly #rtt: RttEstimator;

  constructor(rtt: RttEstimator, oneWay: OneWayDelay) {
    this.#rtt = rtt;
    this.pipe = new PipeModel(rtt, oneWay);
    this.cycle = new GainCycle(this.pipe, rtt);
  }

  /** `isTraining`: a capacity train is under way, whose burst is no sample. */
  onAck(
    sample: DeliverySampler,
    ackedBytes: number,
    lostBytes: number,
    inFlightBytes: number,
    isTraining: boolean,
    now: Micros,
  ): void {
    const { pipe, cycle } = this;
    const isStartup = cycle.mode === "startup";
    if (pipe.onAck(sample, ackedBytes, lostBytes, inFlightBytes, isStartup, isTraining, now)) cycle.onFall(now);
    cycle.onAck(lostBytes, inFlightBytes, now);
    this.#setRates(inFlightBytes);
  }

  /** Capacity by packet trains, see {@link PipeModel.hint}. */
  hint(rate: number, isSure: boolean, now: Micros): void {
    if (!this.pipe.hint(rate, isSure)) return;
    if (isSure) this.cycle.onMeasured(now);
    this.#setRates(0);
  }

  /** Sends more than the link is known to carry, to see whether it does. */
  get isProbing(): boolean {
    return this.cycle.mode === "probe-up";
  }

  /** The link came back, perhaps as another one. */
  reset(): void {
    this.pipe.reset();
    this.cycle.reset();
    this.pacingRate = INITIAL_RATE;
    this.windowBytes = INITIAL_WINDOW_BYTES;
  }

  #setRates(inFlightBytes: number): void {
    const { bandwidth, roundTripUs } = this.pipe;
    const { mode, gain } = this.cycle;
    if (bandwidth === 0) return;
    const floor = (2 * PACKET_BYTES) / Math.max(this.#rtt.smoothedUs, 10_000);
    const slackUs = ACK_BATCH_US + JITTER_SPAN * this.#rtt.variationUs;
    const windowBytes = bandwidth * (this.#spanUs(roundTripUs) + slackUs) + 6 * PACKET_BYTES;
    const isOverfull = mode === "cruise" && this.pipe.predictedQueueUs(inFlightBytes) > CRUISE_QUEUE_US;
    this.pacingRate = Math.max((isOverfull ? RELIEF_GAIN : gain) * bandwidth, floor);
    this.windowBytes = Math.max(windowBytes, MIN_WINDOW_BYTES);
  }

  #spanUs(roundTripUs: number): number {
    if (this.cycle.mode !== "startup") return WINDOW_GAIN * roundTripUs;
    const excessUs = Math.max(0, this.#rtt.smoothedUs - roundTripUs);
    return this.cycle.gain * roundTripUs + Math.min(excessUs, STARTUP_EXCESS_MAX_US);
  }
}
