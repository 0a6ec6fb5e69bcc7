import type { Micros } from "../types.ts";
import { CollapseWatch } from "./collapse-watch.ts";
import type { DeliverySampler } from "./delivery-sampler.ts";
import { LoadedFloor } from "./loaded-floor.ts";
import { MaxFilter } from "./max-filter.ts";
import type { OneWayDelay } from "./one-way-delay.ts";
import type { RttEstimator } from "./rtt-estimator.ts";

export const PACKET_BYTES = 1_500;
/** Before anything is known: a dozen packets in 20 ms, 7 Mbit/s. */
export const INITIAL_RATE = (12 * PACKET_BYTES) / 20_000;

// From BBR (draft-ietf-ccwg-bbr).
/** Start-up has found the capacity when it grew by less than a quarter in three rounds. */
const FULL_PIPE_GROWTH = 1.25;
const FULL_PIPE_ROUNDS = 3;
const BANDWIDTH_ROUNDS = 10;

// Ours.
/** What the queue prediction forgives: pacing quantum and ack spacing. */
const QUEUE_GRACE_US = 4_000;
/** A measured train is believed a little less than it says, so that the first second has no queue. */
const TRAIN_SHARE = 0.97;
/** Loss in a start-up round from which on the pipe counts as full; a few packets say nothing. */
const STARTUP_LOSS_SHARE = 0.1;
const STARTUP_LOSS_BYTES = 8 * PACKET_BYTES;
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

/**
 * What is known of the link behind a path: its rate, its round trip, and whether it has shown all that it can carry. The rate is the largest of the
 * last rounds, so it follows a rising link at once; that the link has fallen is concluded from a queue, from overflow, or from a round trip of seconds.
 * Rates are bytes per µs (= MB/s), counted as IP packets.
 */
export class PipeModel {
  /** Estimated bottleneck rate; 0 = not known. */
  bandwidth = 0;
  /** Round trip of the loaded but unqueued path, as of the last ack. */
  roundTripUs = 0.5;
  /** The capacity is found: start-up may end. */
  isFull = false;
  /** The newest rate sample tells what the sender had to send, and not what the link carries. */
  isLimited = false;
  round = 0;

  readonly #rtt: RttEstimator;
  readonly #floor: LoadedFloor;
  readonly #filter = new MaxFilter(BANDWIDTH_ROUNDS);
  readonly #collapse = new CollapseWatch();
  /** Rate from which start-up has to grow, and rounds in which it did not. */
  #fullBandwidth = 0;
  #fullRounds = 0;
  #bandwidthAtRound = 0;
  #lostInRound = 0;
  #ackedInRound = 0;
  #bestInRound = 0;
  #hasQueuedInRound = false;
  #fallenRounds = 0;

  constructor(rtt: RttEstimator, oneWay: OneWayDelay) {
    this.#rtt = rtt;
    this.#floor = new LoadedFloor(rtt, oneWay);
  }

  /** `isTraining`: a capacity train is under way, whose burst is no sample. Returns true if the link is found to have become slower. */
  onAck(
    sample: DeliverySampler,
    ackedBytes: number,
    lostBytes: number,
    inFlightBytes: number,
    isStartup: boolean,
    isTraining: boolean,
    now: Micros,
  ): boolean {
    this.#lostInRound += lostBytes;
    this.#ackedInRound += ackedBytes;
    if (sample.isRoundStart) this.round++;
    this.#floor.onAck();
    this.roundTripUs = this.#floor.rttUs;
    const hasQueue = this.#hasProvenQueue(sample, inFlightBytes, isStartup);
    this.isLimited = sample.isAppLimited && !hasQueue;
    if (hasQueue) this.#hasQueuedInRound = true;
    if (!isTraining) this.#takeSample(sample);
    this.#filter.expire(this.round);
    if (sample.isRoundStart) this.#bandwidthAtRound = this.bandwidth;
    this.bandwidth = Math.max(this.#filter.value, FALL_SHARE_MAX * this.#bandwidthAtRound);
    let hasFallen = false;
    if (sample.isRoundStart) {
      this.#floor.endRound(sample.idleShare < BUSY_IDLE_SHARE, now);
      hasFallen = this.#endRound(isStartup, now);
    }
    return (!isTraining && this.#hasCollapsed(sample, inFlightBytes, now)) || hasFallen;
  }

  /** Queue in the link that our own unacknowledged bytes make. Known now, unlike a measured delay, which is a round trip old. */
  predictedQueueUs(inFlightBytes: number): number {
    if (this.bandwidth === 0) return 0;
    return Math.max(0, inFlightBytes / this.bandwidth - this.roundTripUs - QUEUE_GRACE_US);
  }

  /** Capacity by packet trains. Only agreeing trains are `sure`; under jitter they read low and only raise the estimate. Returns false if they say nothing new. */
  hint(rate: number, isSure: boolean): boolean {
    const believed = rate * TRAIN_SHARE;
    if (!isSure && believed <= this.bandwidth) return false;
    this.#filter.reset(believed, this.round);
    this.bandwidth = believed;
    this.#bandwidthAtRound = believed;
    this.#fullBandwidth = believed;
    this.#fullRounds = 0;
    this.roundTripUs = this.#floor.rttUs;
    if (isSure) this.isFull = true;
    return true;
  }

  /** There is more capacity than was thought: it has to be found afresh. */
  reopen(): void {
    this.isFull = false;
    this.#fullBandwidth = this.bandwidth;
    this.#fullRounds = 0;
  }

  /** The link came back, perhaps as another one. */
  reset(): void {
    this.#floor.reset();
    this.#filter.reset(0, this.round);
    this.bandwidth = 0;
    this.#bandwidthAtRound = 0;
    this.reopen();
  }

  #takeSample({ rate }: DeliverySampler): void {
    if (rate > this.#bestInRound) this.#bestInRound = rate;
    if (rate > 0 && (!this.isLimited || rate >= (this.bandwidth || INITIAL_RATE)))
      this.#filter.update(rate, this.round);
  }

  /** Packets queue in the link, so the sample is its capacity, whatever the application did. The bursts of start-up queue even if they are few. */
  #hasProvenQueue({ idleShare }: DeliverySampler, inFlightBytes: number, isStartup: boolean): boolean {
    const queueUs = this.predictedQueueUs(inFlightBytes);
    const isBusy = idleShare < BUSY_IDLE_SHARE && queueUs > PROVEN_QUEUE_US;
    const isBursting = isStartup && queueUs > STARTUP_QUEUE_US;
    return (isBusy || isBursting) && this.#floor.isQueueing;
  }

  #endRound(isStartup: boolean, now: Micros): boolean {
    if (!this.isFull && (!this.isLimited || this.#hasQueuedInRound)) this.#judgeGrowth();
    const isLossy = this.#lostInRound > STARTUP_LOSS_SHARE * (this.#ackedInRound + this.#lostInRound);
    if (isStartup && isLossy && this.#lostInRound > STARTUP_LOSS_BYTES) this.isFull = true;
    const hasFallen = this.#judgeFall(now);
    this.#lostInRound = 0;
    this.#ackedInRound = 0;
    this.#bestInRound = 0;
    this.#hasQueuedInRound = false;
    return hasFallen;
  }

  #judgeGrowth(): void {
    if (this.bandwidth >= this.#fullBandwidth * FULL_PIPE_GROWTH) {
      this.#fullBandwidth = this.bandwidth;
      this.#fullRounds = 0;
    } else if (++this.#fullRounds >= FULL_PIPE_ROUNDS) {
      this.isFull = true;
    }
  }

  /** The maximum of ten rounds follows a rising link at once and a falling one late; a standing queue or overflow says which it is. */
  #judgeFall(now: Micros): boolean {
    const hasOverflowed = this.#lostInRound > OVERFLOW_LOSS_SHARE * (this.#ackedInRound + this.#lostInRound);
    const isBelow = this.#bestInRound > 0 && this.#bestInRound < FALLEN_SHARE * this.bandwidth;
    if (!isBelow || !(hasOverflowed || this.#hasQueuedInRound)) {
      this.#fallenRounds = 0;
      return false;
    }
    if (++this.#fallenRounds < FALLEN_ROUNDS) return false;
    this.#fall(this.#bestInRound, now);
    return true;
  }

  #hasCollapsed({ rate }: DeliverySampler, inFlightBytes: number, now: Micros): boolean {
    const isOurs = this.predictedQueueUs(inFlightBytes) > PROVEN_QUEUE_US;
    const best = this.#collapse.onAck(rate, this.#rtt.latestUs, this.roundTripUs, isOurs, now);
    if (best === 0 || best >= FALLEN_SHARE * this.bandwidth) return false;
    this.#fall(best, now);
    return true;
  }

  #fall(rate: number, now: Micros): void {
    this.#fallenRounds = 0;
    this.#collapse.restart(now);
    this.bandwidth = Math.max(rate, FALL_SHARE_MAX * this.bandwidth);
    this.#filter.reset(this.bandwidth, this.round);
    this.isFull = true;
  }
}
