import type { Micros } from "../types.ts";
import { CollapseWatch } from "./collapse-watch.ts";
import type { DeliverySampler } from "./delivery-sampler.ts";
import { LoadedFloor } from "./loaded-floor.ts";
import { MaxFilter } from "./max-filter.ts";
import type { OneWayDelay } from "./one-way-delay.ts";
import type { RttEstimator } from "./rtt-estimator.ts";

const PACKET_BYTES = 1_500;

// From BBR (draft-ietf-ccwg-bbr).
const STARTUP_GAIN = 2.77;
const DRAIN_GAIN = 1 / 2.77;
const WINDOW_GAIN = 2;
/** Start-up has found the capacity when it grew by less than a quarter in three rounds. */
const FULL_PIPE_GROWTH = 1.25;
const FULL_PIPE_ROUNDS = 3;
const BANDWIDTH_ROUNDS = 10;
const PROBE_CYCLE_PHASES = 8;
const PROBE_GAIN = 1.25;
const PROBE_DOWN_GAIN = 0.75;

// Ours.
/** A probe may queue this much in the link, however long its round trip: a gain of 1.25 at 370 ms would make 90 ms of queue and drops. */
const PROBE_QUEUE_US = 15_000;
/** Draining ends a little below the pipe, or the last of the queue would stay for ever. */
const DRAINED_SHARE = 0.95;
/**
 * Jitter makes a link look several percent quicker than it is, and sending at that rate builds a queue from one probe to the next. From this much on, beyond
 * what acks in batches explain, a cruising path sends less until the queue is gone.
 */
const CRUISE_QUEUE_US = 2_000;
const RELIEF_GAIN = 0.92;
/**
 * A loaded floor that exceeds the minimum by this much is jitter or our own standing queue. Every few seconds a drain goes on to half-way between
 * both, and so tells which.
 */
const DOUBTFUL_FLOOR_US = 10_000;
const DEEP_DRAIN_EVERY_US = 2_000_000;
const DEEP_DRAIN_GAIN = 0.5;
/** Growth within one probe after which the path starts up afresh. */
const RESTART_GROWTH = 1.12;
/** Before anything is known: a dozen packets in 20 ms, 7 Mbit/s. */
const INITIAL_RATE = (12 * PACKET_BYTES) / 20_000;
const INITIAL_WINDOW_BYTES = 32 * PACKET_BYTES;
const MIN_WINDOW_BYTES = 8 * PACKET_BYTES;
/** Acks come in batches (the peer's ack spacing, its loop and ours); the window must span them. */
const ACK_BATCH_US = 5_000;
/** What the queue prediction forgives: pacing quantum and ack spacing. */
const QUEUE_GRACE_US = 4_000;
/** A measured train is believed a little less than it says, so that the first second has no queue. */
const TRAIN_SHARE = 0.97;
/** Loss in a start-up round from which on the pipe counts as full. */
const STARTUP_LOSS_SHARE = 0.1;
/** Loss in a round that is too much for radio: the queue overflows, or a policer drops. */
const OVERFLOW_LOSS_SHARE = 0.15;
/** The capacity has fallen when so many rounds in a row with a queue or overflow delivered less than this share of the estimate. */
const FALLEN_SHARE = 0.9;
const FALLEN_ROUNDS = 2;
/** One such finding, or one round, takes at most this much off: the first sample after a silence says next to nothing. */
const FALL_SHARE_MAX = 0.5;

/** A queue is proven when the delay says so and our own bytes explain this much of it. */
const PROVEN_QUEUE_US = 10_000;
/** A path in start-up with little to carry may make this much queue with a burst; modems have room for twice as much. */
const STARTUP_QUEUE_US = 50_000;
/** A path that is idle for less than this share of its time is busy. */
const BUSY_IDLE_SHARE = 0.3;
/** The window spans jitter of this many mean deviations. */
const JITTER_SPAN = 4;

type Mode = "startup" | "drain" | "cruise" | "probe-up" | "probe-down";

/**
 * Rate and window of one path, in the manner of BBR: a model of the pipe (bandwidth × round trip) and not loss decides. Random loss
 * therefore costs nothing, and the queue stays in our own sender, where it can be scheduled, and not in the modem.
 * Rates are bytes per µs (= MB/s), counted as IP packets.
 */
export class CongestionControl {
  mode: Mode = "startup";
  /** Estimated bottleneck rate; 0 = not known. */
  bandwidth = 0;
  pacingRate: number = INITIAL_RATE;
  windowBytes: number = INITIAL_WINDOW_BYTES;
  /** Round trip of the loaded but unqueued path, as of the last ack. */
  pipeUs = 0.5;

  readonly #rtt: RttEstimator;
  readonly #floor: LoadedFloor;
  readonly #filter = new MaxFilter(BANDWIDTH_ROUNDS);
  readonly #collapse = new CollapseWatch();
  #gain = STARTUP_GAIN;
  #round = 0;
  #fullBandwidth = 0;
  #fullRounds = 0;
  #isPipeFull = false;
  #lostInRound = 0;
  #bestInRound = 0;
  #hasQueuedInRound = false;
  #fallenRounds = 0;
  #ackedInRound = 0;
  #modeSince = 0.5;
  #cruisePhases = 0;
  #bandwidthAtProbe = 0;
  #bandwidthAtRound = 0;
  #isDrainDeep = false;
  #deepDrainAt = 0.5;

  constructor(rtt: RttEstimator, oneWay: OneWayDelay) {
    this.#rtt = rtt;
    this.#floor = new LoadedFloor(rtt, oneWay);
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
    this.#lostInRound += lostBytes;
    this.#ackedInRound += ackedBytes;
    if (sample.isRoundStart) this.#round++;
    this.#floor.onAck();
    this.pipeUs = this.#floor.rttUs;
    const hasQueue = this.#hasProvenQueue(sample.idleShare, inFlightBytes);
    const isLimited = sample.isAppLimited && !hasQueue;
    if (hasQueue) this.#hasQueuedInRound = true;
    if (sample.rate > this.#bestInRound && !isTraining) this.#bestInRound = sample.rate;
    if (sample.rate > 0 && !isTraining && (!isLimited || sample.rate >= (this.bandwidth || INITIAL_RATE))) {
      this.#filter.update(sample.rate, this.#round);
    }
    this.#filter.expire(this.#round);
    if (sample.isRoundStart) this.#bandwidthAtRound = this.bandwidth;
    this.bandwidth = Math.max(this.#filter.value, FALL_SHARE_MAX * this.#bandwidthAtRound);
    if (sample.isRoundStart) {
      this.#floor.endRound(sample.idleShare < BUSY_IDLE_SHARE, now);
      this.#endRound(isLimited, now);
    }
    if (!isTraining) this.#judgeCollapse(sample.rate, inFlightBytes, now);
    this.#advance(isLimited, lostBytes, inFlightBytes, now);
    this.#setRates(inFlightBytes);
  }

  /** Queue in the link that our own unacknowledged bytes make. Known now, unlike a measured delay, which is a round trip old. */
  predictedQueueUs(inFlightBytes: number): number {
    if (this.bandwidth === 0) return 0;
    return Math.max(0, inFlightBytes / this.bandwidth - this.pipeUs - QUEUE_GRACE_US);
  }

  /** Capacity by packet trains. Only agreeing trains are `sure`; under jitter they read low and only raise the estimate. */
  hint(rate: number, isSure: boolean, now: Micros): void {
    const believed = rate * TRAIN_SHARE;
    if (!isSure && believed <= this.bandwidth) return;
    this.#filter.reset(believed, this.#round);
    this.bandwidth = believed;
    this.#bandwidthAtRound = believed;
    this.#fullBandwidth = believed;
    this.#fullRounds = 0;
    this.pipeUs = this.#floor.rttUs;
    if (isSure) {
      this.#isPipeFull = true;
      this.#bandwidthAtProbe = believed;
      this.#enter("cruise", now);
    }
    this.#setRates(0);
  }

  get isProbing(): boolean {
    return this.mode === "probe-up";
  }

  /** Forgets the pipe: the link came back, perhaps as another one. */
  reset(): void {
    this.mode = "startup";
    this.#floor.reset();
    this.#gain = STARTUP_GAIN;
    this.#isPipeFull = false;
    this.#fullBandwidth = 0;
    this.#fullRounds = 0;
    this.#filter.reset(0, this.#round);
    this.bandwidth = 0;
    this.#bandwidthAtRound = 0;
    this.pacingRate = INITIAL_RATE;
    this.windowBytes = INITIAL_WINDOW_BYTES;
  }

  /** Packets queue in the link, so the sample is its capacity, whatever the application did. The bursts of start-up queue even if they are few. */
  #hasProvenQueue(idleShare: number, inFlightBytes: number): boolean {
    const queueUs = this.predictedQueueUs(inFlightBytes);
    const isBusy = idleShare < BUSY_IDLE_SHARE && queueUs > PROVEN_QUEUE_US;
    const isBursting = this.mode === "startup" && queueUs > STARTUP_QUEUE_US;
    return (isBusy || isBursting) && this.#floor.isQueueing;
  }

  #endRound(isLimited: boolean, now: Micros): void {
    if (!this.#isPipeFull && (!isLimited || this.#hasQueuedInRound)) {
      if (this.bandwidth >= this.#fullBandwidth * FULL_PIPE_GROWTH) {
        this.#fullBandwidth = this.bandwidth;
        this.#fullRounds = 0;
      } else if (++this.#fullRounds >= FULL_PIPE_ROUNDS) {
        this.#isPipeFull = true;
      }
    }
    const isLossy = this.#lostInRound > STARTUP_LOSS_SHARE * (this.#ackedInRound + this.#lostInRound);
    if (this.mode === "startup" && isLossy && this.#lostInRound > 8 * PACKET_BYTES) this.#isPipeFull = true;
    this.#judgeFall(now);
    this.#lostInRound = 0;
    this.#ackedInRound = 0;
    this.#bestInRound = 0;
    this.#hasQueuedInRound = false;
  }

  /** The maximum of ten rounds follows a rising link at once and a falling one late; a standing queue or overflow says which it is. */
  #judgeFall(now: Micros): void {
    const hasOverflowed = this.#lostInRound > OVERFLOW_LOSS_SHARE * (this.#ackedInRound + this.#lostInRound);
    const isBelow = this.#bestInRound > 0 && this.#bestInRound < FALLEN_SHARE * this.bandwidth;
    if (!isBelow || !(hasOverflowed || this.#hasQueuedInRound)) {
      this.#fallenRounds = 0;
      return;
    }
    if (++this.#fallenRounds >= FALLEN_ROUNDS) this.#fall(this.#bestInRound, now);
  }

  #judgeCollapse(rate: number, inFlightBytes: number, now: Micros): void {
    const isOurs = this.predictedQueueUs(inFlightBytes) > PROVEN_QUEUE_US;
    const best = this.#collapse.onAck(rate, this.#rtt.latestUs, this.pipeUs, isOurs, now);
    if (best > 0 && best < FALLEN_SHARE * this.bandwidth) this.#fall(best, now);
  }

  #fall(rate: number, now: Micros): void {
    this.#fallenRounds = 0;
    this.#collapse.restart(now);
    this.bandwidth = Math.max(rate, FALL_SHARE_MAX * this.bandwidth);
    this.#filter.reset(this.bandwidth, this.#round);
    this.#isPipeFull = true;
    this.#enter("probe-down", now);
  }

  #advance(isLimited: boolean, lostBytes: number, inFlightBytes: number, now: Micros): void {
    const pipeBytes = this.bandwidth * this.pipeUs;
    const elapsedUs = now - this.#modeSince;
    switch (this.mode) {
      case "startup":
        if (this.#isPipeFull) this.#enter("drain", now);
        break;
      case "drain":
        if (inFlightBytes <= pipeBytes || elapsedUs > 2 * this.#rtt.smoothedUs) this.#enter("cruise", now);
        break;
      case "cruise":
        if (elapsedUs > this.#cruisePhases * this.pipeUs) this.#enter("probe-up", now);
        break;
      case "probe-up": {
        const hasFilled = inFlightBytes >= this.#gain * pipeBytes || lostBytes > 0 || isLimited;
        if (elapsedUs > Math.max(this.pipeUs, this.#rtt.smoothedUs) && hasFilled) this.#enter("probe-down", now);
        break;
      }
      case "probe-down":
        if (inFlightBytes <= this.#drainedBytes() || elapsedUs > 4 * this.pipeUs) this.#endProbe(now);
        break;
    }
  }

  /** In-flight bytes at which a drain ends. */
  #drainedBytes(): number {
    if (!this.#isDrainDeep) return DRAINED_SHARE * this.bandwidth * this.pipeUs;
    return (this.bandwidth * (this.pipeUs + this.#rtt.minUs)) / 2;
  }

  #endProbe(now: Micros): void {
    const hasGrown = this.bandwidth > RESTART_GROWTH * this.#bandwidthAtProbe;
    const wasMeasured = this.#bandwidthAtProbe > 0;
    this.#bandwidthAtProbe = this.bandwidth;
    if (!hasGrown || !wasMeasured) {
      this.#enter("cruise", now);
      return;
    }
    this.#isPipeFull = false;
    this.#fullBandwidth = this.bandwidth;
    this.#fullRounds = 0;
    this.#enter("startup", now);
  }

  #enter(mode: Mode, now: Micros): void {
    this.mode = mode;
    this.#modeSince = now;
    switch (mode) {
      case "startup":
        this.#gain = STARTUP_GAIN;
        break;
      case "drain":
        this.#gain = DRAIN_GAIN;
        break;
      case "cruise":
        this.#gain = 1;
        // Paths of one bond must not probe in step: the length of a cruise depends on the path's own rounds.
        this.#cruisePhases = PROBE_CYCLE_PHASES - 2 - (this.#round % 3);
        break;
      case "probe-up":
        this.#gain = 1 + Math.min(PROBE_GAIN - 1, PROBE_QUEUE_US / this.pipeUs);
        break;
      case "probe-down":
        this.#isDrainDeep =
          now - this.#deepDrainAt > DEEP_DRAIN_EVERY_US && this.pipeUs > this.#rtt.minUs + DOUBTFUL_FLOOR_US;
        if (this.#isDrainDeep) this.#deepDrainAt = now;
        this.#gain = this.#isDrainDeep ? DEEP_DRAIN_GAIN : PROBE_DOWN_GAIN;
        break;
    }
  }

  #setRates(inFlightBytes: number): void {
    if (this.bandwidth === 0) return;
    const floor = (2 * PACKET_BYTES) / Math.max(this.#rtt.smoothedUs, 10_000);
    const windowGain = this.mode === "startup" ? STARTUP_GAIN : WINDOW_GAIN;
    const slackUs = ACK_BATCH_US + JITTER_SPAN * this.#rtt.variationUs;
    const windowBytes = this.bandwidth * (windowGain * this.pipeUs + slackUs) + 6 * PACKET_BYTES;
    const isOverfull = this.mode === "cruise" && this.predictedQueueUs(inFlightBytes) > CRUISE_QUEUE_US;
    this.pacingRate = Math.max((isOverfull ? RELIEF_GAIN : this.#gain) * this.bandwidth, floor);
    this.windowBytes = Math.max(windowBytes, MIN_WINDOW_BYTES);
  }
}
