import { TunnelError } from "../errors.ts";
import type { Micros, PathId, PathOptions, PathPlan, Slot } from "../types.ts";
import { DOUBLE_ZERO } from "../types.ts";
import type { AckFrame } from "../wire/frames.ts";
import { CapacityTrain } from "./capacity-train.ts";
import { CongestionControl } from "./congestion-control.ts";
import { DeliverySampler } from "./delivery-sampler.ts";
import { Liveness } from "./liveness.ts";
import { LossDetector } from "./loss-detector.ts";
import { LossMeter } from "./loss-meter.ts";
import { OneWayDelay } from "./one-way-delay.ts";
import { Pacer } from "./pacer.ts";
import { PathLife } from "./path-life.ts";
import { PathMtu } from "./path-mtu.ts";
import { ReceiveLedger } from "./receive-ledger.ts";
import { ReturnWay } from "./return-way.ts";
import { RttEstimator } from "./rtt-estimator.ts";
import { IN_FLIGHT, LOST, OUTSTANDING_MAX, PART_PROBE, SETTLED, SentLedger, type SentSink } from "./sent-ledger.ts";
import { MTU_BASE_BYTES } from "./size-evidence.ts";

/** IP and UDP headers over IPv4. */
const DEFAULT_HEADER_BYTES = 28;
/** A path must take one half of the largest inner packet. */
export const DATAGRAM_MIN_BYTES = MTU_BASE_BYTES;
/** A lost packet is remembered for two round trips and this much: long enough for a late ack to prove it was not lost. */
const LOST_MEMORY_US = 300_000;
/** … and where no ack comes, the end of several such memories is one wake-up. */
const FORGET_GRAIN_US = 200_000;
/** A probing path looks quicker by up to this much, or it would never get the excess that it needs. */
const PROBE_BONUS_US = 10_000;
/** An urgent packet may overdraw a path's pacing by this much. */
const OVERDRAFT_US = 5_000;

export const DEFAULT_PLAN: PathPlan = { enabled: true, role: "primary", weight: 1, rateLimitBps: 0 };

/**
 * One path, both directions: what has been sent and received on it, its model (RTT, delay, rate, loss), its pacing and its life.
 * It knows nothing of lanes, queues or other paths.
 */
export class Path {
  readonly id: PathId;
  name: string;
  /** IP and UDP header bytes of every datagram. */
  headerBytes = DEFAULT_HEADER_BYTES;
  plan: PathPlan = DEFAULT_PLAN;
  /** The plan is the forwarding plan's. */
  isPlanned = false;
  /** The remote address is known. */
  hasRemote = false;
  /** Arena offset of the remote address record. */
  readonly remoteOffset: number;
  readonly remoteSlot: Slot;

  readonly sent = new SentLedger();
  readonly received = new ReceiveLedger();
  readonly rtt = new RttEstimator();
  readonly oneWay = new OneWayDelay();
  readonly sampler = new DeliverySampler();
  readonly congestion: CongestionControl;
  readonly pacer = new Pacer();
  readonly loss = new LossDetector();
  readonly lossMeter = new LossMeter();
  readonly liveness = new Liveness();
  readonly returnWay = new ReturnWay();
  readonly train = new CapacityTrain();
  readonly mtu = new PathMtu(this.sent);
  readonly life: PathLife;

  /** Path that carries the next ACK for this one, and whether a copy goes on this one. */
  ackCarrier: Path | undefined = undefined;
  isAckCopyWanted = false;
  /** The peer has to be told that we get no answers over the path. */
  isStatusWanted = false;
  /** The peer gets no answers over this path, as it said: acks must not take it. */
  isPeerStalled = false;
  lastOwnAckAt = Number.NEGATIVE_INFINITY;
  sentPackets = 0;
  sentBytes = DOUBLE_ZERO;
  repairedPackets = 0;
  /** Of `sentBytes`: what was sent before, on any path. */
  repairedBytes = DOUBLE_ZERO;
  /** Of `sentBytes`: datagrams of acks and path states, and datagrams that ask for an ack (pings, capacity trains). */
  ackBytes = DOUBLE_ZERO;
  probeBytes = DOUBLE_ZERO;
  /** Bytes given by the weighted scheduler, divided by the weight. */
  weightedBytes = DOUBLE_ZERO;
  #rateLimit = 0;
  #largestAcked = 0;
  #peerStalledAt = Number.NEGATIVE_INFINITY;

  constructor(id: PathId, remoteSlot: Slot, remoteOffset: number, options: PathOptions, now: Micros) {
    this.id = id;
    this.name = options.name;
    this.remoteSlot = remoteSlot;
    this.remoteOffset = remoteOffset;
    this.congestion = new CongestionControl(this.rtt, this.oneWay);
    this.life = new PathLife(this, now);
    this.configure(options, now);
    this.pacer.reset(now);
  }

  configure(options: PathOptions, now: Micros): void {
    if (options.maxDatagramBytes < DATAGRAM_MIN_BYTES) {
      throw new TunnelError(
        "path-too-small",
        `Link ${options.name} passes datagrams of only ${options.maxDatagramBytes} bytes; at least ${DATAGRAM_MIN_BYTES} are needed. Raise the link's MTU.`,
      );
    }
    this.name = options.name;
    this.headerBytes = options.headerBytes ?? DEFAULT_HEADER_BYTES;
    this.mtu.begin(options.maxDatagramBytes, this.headerBytes, now);
  }

  /** Largest UDP payload that is known to pass. */
  get maxDatagramBytes(): number {
    return this.mtu.confirmedBytes;
  }

  applyPlan(plan: PathPlan): void {
    this.plan = plan;
    this.isPlanned = true;
    this.#rateLimit = plan.rateLimitBps / 8e6;
  }

  /** It answers, and packets may be given to it. */
  get isUp(): boolean {
    return this.life.isUp;
  }

  get isWindowOpen(): boolean {
    return this.sent.inFlightBytes < this.congestion.windowBytes && !this.sent.isFull;
  }

  /** Paced rate, bytes per µs. */
  get rate(): number {
    const rate = this.congestion.pacingRate;
    return this.#rateLimit > 0 && this.#rateLimit < rate ? this.#rateLimit : rate;
  }

  /** Best knowledge of what the path can carry, bytes per µs. */
  get capacity(): number {
    const capacity = this.congestion.pipe.bandwidth || this.congestion.pacingRate;
    return this.#rateLimit > 0 ? Math.min(this.#rateLimit, capacity) : capacity;
  }

  /** Time of arrival of a packet handed over now, on a scale that all paths of a bond share. */
  arrivalAt(now: Micros): number {
    return (this.pacer.nextAt > now ? this.pacer.nextAt : now) + this.delayUs();
  }

  /** By how much the path should look quicker to a big flow than it is. */
  get probeBonusUs(): number {
    return this.congestion.isProbing ? Math.min(PROBE_BONUS_US, this.rtt.smoothedUs / 4) : 0;
  }

  /** One-way delay of a packet that leaves now, with the queue that our own bytes make. */
  delayUs(): number {
    return this.oneWay.baseUs + this.congestion.pipe.predictedQueueUs(this.sent.inFlightBytes);
  }

  isReady(now: Micros): boolean {
    return this.isWindowOpen && this.pacer.isReady(now);
  }

  /** Even a full path carries the occasional small packet. */
  takesUrgent(now: Micros): boolean {
    return this.pacer.nextAt <= now + OVERDRAFT_US && !this.sent.isFull;
  }

  /**
   * Records a datagram that leaves and returns its packet number. `slot` -1: no inner packet. Only eliciting datagrams are in flight.
   */
  record(bytes: number, slot: number, part: number, isEliciting: boolean, sink: SentSink, now: Micros): number {
    const sent = this.sent;
    if (sent.next - sent.oldest > sent.mask) this.#advance(sink, now);
    const index = sent.open();
    if (sent.inFlightPackets === 0) this.sampler.sentAt = now;
    this.pacer.charge(bytes, this.rate, now);
    sent.sentAt[index] = now;
    sent.bytes[index] = bytes;
    sent.slot[index] = slot;
    sent.part[index] = part;
    sent.state[index] = SETTLED;
    if (isEliciting) {
      sent.state[index] = IN_FLIGHT;
      sent.deliveredBytes[index] = this.sampler.deliveredBytes;
      sent.deliveredAt[index] = this.sampler.deliveredAt;
      sent.deliveredSentAt[index] = this.sampler.sentAt;
      sent.idleUs[index] = this.pacer.idleUs;
      sent.deliveredIdleUs[index] = this.sampler.idleUs;
      sent.ownQueueUs[index] = this.congestion.pipe.predictedQueueUs(sent.inFlightBytes);
      sent.inFlightBytes += bytes;
      sent.inFlightPackets++;
      this.liveness.lastElicitingAt = now;
      this.pacer.noteWindow(this.isWindowOpen, now);
    }
    this.sentPackets++;
    this.sentBytes += bytes;
    if (slot < 0 && (isEliciting || part === PART_PROBE)) this.probeBytes += bytes;
    else if (slot < 0) this.ackBytes += bytes;
    return sent.next++;
  }

  /** Applies an ACK of the peer that came over `carrier`. Returns true if the path had not been up and answers. */
  onAck(ack: AckFrame, carrier: Path, sink: SentSink, now: Micros): boolean {
    const sent = this.sent;
    if (ack.largest >= sent.next || this.life.isSuspended) return false;
    sent.applyAck(ack, sink);
    const isNew = ack.largest > this.#largestAcked;
    if (isNew && sent.newestSpurious > 0 && sent.restore(ack.largest, sink) > 0) this.life.tailLost = 0;
    const isOtherWay = this.returnWay.onAck(ack, this, carrier, isNew, now);
    if (isNew && sent.isKnown(ack.largest)) this.#measureDelay(ack, isOtherWay, now);
    this.mtu.onAck(ack, now);
    if (sent.ackedPackets + sent.spuriousPackets === 0) return false;
    this.liveness.onAnswer(now);
    this.loss.onAck(sent, this.rtt, sink, now);
    // What an outage has swallowed says nothing of the link that is back.
    const isReturning = !this.isUp;
    const lost = isReturning ? 0 : this.loss.newlyLost + this.life.tailLost - sent.spuriousPackets;
    this.lossMeter.count(sent.ackedPackets, lost, isReturning ? 0 : this.loss.newlyOverflown, now);
    this.life.tailLost = 0;
    const isTooLong = this.mtu.judge(sink, this.rtt.smoothedUs, now);
    const lostBytes = isTooLong || isReturning ? 0 : this.loss.lostBytes;
    this.#advance(sink, now);
    const isTraining = this.train.isUnderWay;
    if (this.train.onAck(ack)) this.congestion.hint(this.train.rate, this.train.isSure, now);
    this.sampler.onAck(ack, sent, this.rtt.minUs);
    this.congestion.onAck(this.sampler, sent.ackedBytes, lostBytes, sent.inFlightBytes, isTraining, now);
    this.pacer.noteWindow(this.isWindowOpen, now);
    if (this.isUp || !this.rtt.hasSample) return false;
    this.life.rise(now);
    return true;
  }

  /** The peer said that it gets no answers over this path: it is worth asking at once whether we do. */
  handlePeerStall(now: Micros): void {
    this.isPeerStalled = true;
    this.#peerStalledAt = now;
    if (this.isUp) this.life.isPingWanted = true;
  }

  /** Losses that time alone reveals, and the end of the memory of earlier ones: a path that never answers again must not keep their buffers. */
  detectLoss(sink: SentSink, now: Micros): void {
    this.#advance(sink, now);
    if (this.loss.deadline > now) return;
    this.loss.detect(this.sent, this.rtt, sink, now);
    this.lossMeter.count(0, this.loss.newlyLost, this.loss.newlyOverflown, now);
    this.mtu.judge(sink, this.rtt.smoothedUs, now);
  }

  /** Hands what is in flight and left by `sentBefore` to the sink as lost, to be repaired elsewhere. */
  abandon(sentBefore: Micros, sink: SentSink, now: Micros): void {
    this.sent.loseInFlight(sink, 0, sentBefore);
    this.train.stop();
    this.pacer.noteWindow(this.isWindowOpen, now);
  }

  /** The link is back, perhaps as another one: the model starts afresh. */
  resume(options: PathOptions, now: Micros): void {
    this.configure(options, now);
    this.rtt.reset();
    this.oneWay.reset();
    this.congestion.reset();
    this.pacer.reset(now);
    this.life.restart(now);
  }

  /** When lost packets have to be forgotten although no ack comes: a quiet bond must not keep their buffers. Infinity if there are none. */
  forgetAt(): Micros {
    const { sent } = this;
    const index = sent.oldest & sent.mask;
    if (sent.oldest === sent.next || sent.state[index] !== LOST) return Number.POSITIVE_INFINITY as Micros;
    return (sent.sentAt[index]! + this.#memoryUs() + FORGET_GRAIN_US) as Micros;
  }

  #measureDelay(ack: AckFrame, isOtherWay: boolean, now: Micros): void {
    this.#largestAcked = ack.largest;
    const index = ack.largest & this.sent.mask;
    const sentAt = this.sent.sentAt[index]!;
    const rttUs = Math.max(1.5, now - sentAt - ack.delayUs);
    if (sentAt >= this.#peerStalledAt) this.isPeerStalled = false;
    if (isOtherWay) this.rtt.rebase(rttUs);
    this.rtt.sample(rttUs, now);
    this.received.roundTripUs = this.rtt.smoothedUs;
    this.oneWay.sample(ack.receivedAt - sentAt, this.sent.ownQueueUs[index]!, now);
  }

  #advance(sink: SentSink, now: Micros): void {
    const isCrowded = this.sent.next - this.sent.oldest > OUTSTANDING_MAX / 2;
    this.sent.advance((isCrowded ? now : now - this.#memoryUs()) as Micros, sink);
  }

  #memoryUs(): number {
    return 2 * this.rtt.smoothedUs + LOST_MEMORY_US;
  }
}
