import type { Micros } from "../types.ts";
import type { PipeModel } from "./pipe-model.ts";
import type { RttEstimator } from "./rtt-estimator.ts";

// From BBR (draft-ietf-ccwg-bbr).
const STARTUP_GAIN = 2.77;
const DRAIN_GAIN = 1 / 2.77;
const PROBE_CYCLE_PHASES = 8;
const PROBE_GAIN = 1.25;
const PROBE_DOWN_GAIN = 0.75;

// Ours.
/** A probe may queue this much in the link, however long its round trip: a gain of 1.25 at 370 ms would make 90 ms of queue and drops. */
const PROBE_QUEUE_US = 15_000;
/** Draining ends a little below the pipe, or the last of the queue would stay for ever. */
const DRAINED_SHARE = 0.95;
/**
 * A loaded floor that exceeds the minimum by this much is jitter or our own standing queue. Every few seconds a drain goes on to half-way between
 * both, and so tells which.
 */
const DOUBTFUL_FLOOR_US = 10_000;
const DEEP_DRAIN_EVERY_US = 2_000_000;
const DEEP_DRAIN_GAIN = 0.5;
/** Growth within one probe after which the path starts up afresh … */
const RESTART_GROWTH = 1.12;
/** … by this gain: more is known than at first, and a gain of 2.77 overflows a modem within two round trips, before the acks can say that there is no more. */
const RESTART_GAIN = 2;

type Mode = "startup" | "drain" | "cruise" | "probe-up" | "probe-down";

/**
 * What a path does with what it knows of its pipe: it starts up until the pipe is full, drains the queue which that has made, and from then on cruises,
 * sends a little more to see whether there is more, and takes back the queue if there was not. The gain is the share of the bandwidth that is sent.
 */
export class GainCycle {
  mode: Mode = "startup";
  gain = STARTUP_GAIN;
  readonly #pipe: PipeModel;
  readonly #rtt: RttEstimator;
  #modeSince = 0.5;
  #cruisePhases = 0;
  #bandwidthAtProbe = 0;
  #isDrainDeep = false;
  #deepDrainAt = 0.5;

  constructor(pipe: PipeModel, rtt: RttEstimator) {
    this.#pipe = pipe;
    this.#rtt = rtt;
  }

  /** To be called after the model has taken the ack. */
  onAck(lostBytes: number, inFlightBytes: number, now: Micros): void {
    const { roundTripUs } = this.#pipe;
    const pipeBytes = this.#pipe.bandwidth * roundTripUs;
    const elapsedUs = now - this.#modeSince;
    switch (this.mode) {
      case "startup":
        if (this.#pipe.isFull) this.#enter("drain", now);
        break;
      case "drain":
        if (inFlightBytes <= pipeBytes || elapsedUs > 2 * this.#rtt.smoothedUs) this.#enter("cruise", now);
        break;
      case "cruise":
        if (elapsedUs > this.#cruisePhases * roundTripUs) this.#enter("probe-up", now);
        break;
      case "probe-up": {
        const hasFilled = inFlightBytes >= this.gain * pipeBytes || lostBytes > 0 || this.#pipe.isLimited;
        if (elapsedUs > Math.max(roundTripUs, this.#rtt.smoothedUs) && hasFilled) this.#enter("probe-down", now);
        break;
      }
      case "probe-down":
        if (inFlightBytes <= this.#drainedBytes() || elapsedUs > 4 * roundTripUs) this.#endProbe(now);
        break;
    }
  }

  /** The link has become slower: what was sent for the old rate has to drain. */
  onFall(now: Micros): void {
    this.#enter("probe-down", now);
  }

  /** The capacity is known without start-up and probes. */
  onMeasured(now: Micros): void {
    this.#bandwidthAtProbe = this.#pipe.bandwidth;
    this.#enter("cruise", now);
  }

  reset(): void {
    this.mode = "startup";
    this.gain = STARTUP_GAIN;
  }

  /** In-flight bytes at which a drain ends. */
  #drainedBytes(): number {
    const { bandwidth, roundTripUs } = this.#pipe;
    return this.#isDrainDeep
      ? (bandwidth * (roundTripUs + this.#rtt.minUs)) / 2
      : DRAINED_SHARE * bandwidth * roundTripUs;
  }

  #endProbe(now: Micros): void {
    const { bandwidth } = this.#pipe;
    const hasGrown = bandwidth > RESTART_GROWTH * this.#bandwidthAtProbe;
    const wasMeasured = this.#bandwidthAtProbe > 0;
    this.#bandwidthAtProbe = bandwidth;
    if (!hasGrown || !wasMeasured) {
      this.#enter("cruise", now);
      return;
    }
    this.#pipe.reopen();
    this.#enter("startup", now);
  }

  #enter(mode: Mode, now: Micros): void {
    const { roundTripUs, round } = this.#pipe;
    this.mode = mode;
    this.#modeSince = now;
    switch (mode) {
      case "startup":
        this.gain = RESTART_GAIN;
        break;
      case "drain":
        this.gain = DRAIN_GAIN;
        break;
      case "cruise":
        this.gain = 1;
        // Paths of one bond must not probe in step: the length of a cruise depends on the path's own rounds.
        this.#cruisePhases = PROBE_CYCLE_PHASES - 2 - (round % 3);
        break;
      case "probe-up":
        this.gain = 1 + Math.min(PROBE_GAIN - 1, PROBE_QUEUE_US / roundTripUs);
        break;
      case "probe-down":
        this.#isDrainDeep =
          now - this.#deepDrainAt > DEEP_DRAIN_EVERY_US && roundTripUs > this.#rtt.minUs + DOUBTFUL_FLOOR_US;
        if (this.#isDrainDeep) this.#deepDrainAt = now;
        this.gain = this.#isDrainDeep ? DEEP_DRAIN_GAIN : PROBE_DOWN_GAIN;
        break;
    }
  }
}
