import { TunnelError } from "../errors.ts";
import type { Micros, PathId, PathOptions, PathPlan, PathState, Slot } from "../types.ts";
import type { AckFrame } from "../wire/frames.ts";
import { CapacityTrain } from "./capacity-train.ts";
import { CongestionControl } from "./congestion-control.ts";
import { DeliverySampler } from "./delivery-sampler.ts";
import { Liveness, type Silence } from "./liveness.ts";
import { LossDetector } from "./loss-detector.ts";
import { LossMeter } from "./loss-meter.ts";
import { OneWayDelay } from "./one-way-delay.ts";
import { Pacer } from "./pacer.ts";
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
/** A path without a plan may be measured with trains after this long. */
const TRAIN_GRACE_US = 500_000;
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
  state: PathState;
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

  /** A PING has to leave with the next transmission. */
  isPingWanted = false;
  /** Path that carries the next ACK for this one, and whether a copy goes on this one. */
  ackCarrier: Path | undefined = undefined;
  isAckCopyWanted = false;
  /** The peer has to be told whether we can use the path. */
  isStatusWanted = false;
  /** The peer said that it cannot reach us over this path. */
  isPeerStalled = false;
  lastOwnAckAt = Number.NEGATIVE_INFINITY;
  sentPackets = 0;
  sentBytes = 0;
  repairedPackets = 0;
  /** Of `sentBytes`: what was sent before, on any path. */
  repairedBytes = 0;
  /** Of `sentBytes`: datagrams of acks and path states, and datagrams that ask for an ack (pings, capacity trains). */
  ackBytes = 0;
  probeBytes = 0;
  /** Bytes given by the weighted scheduler, divided by the weight. */
  weightedBytes = 0;
  #rateLimit = 0;
  #isPlanned = false;
  #largestAcked = 0;
  /** Packets given up for want of an ack, which the next ack confirms to be losses and not an outage. */
  #tailLost = 0;

  constructor(id: PathId, remoteSlot: Slot, remoteOffset: number, options: PathOptions, now: Micros) {
    this.id = id;
    this.name = options.name;
    this.remoteSlot = remoteSlot;
    this.remoteOffset = remoteOffset;
    this.congestion = new CongestionControl(this.rtt, this.oneWay);
    this.state = { kind: "probing", since: now };
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
    this.#isPlanned = true;
    this.#rateLimit = plan.rateLimitBps / 8e6;
  }

  /** It answers, and packets may be given to it. */
  get isUp(): boolean {
    return this.state.kind === "up";
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
    const capacity = this.congestion.bandwidth || this.congestion.pacingRate;
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
    return this.oneWay.baseUs + this.congestion.predictedQueueUs(this.sent.inFlightBytes);
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
      sent.ownQueueUs[index] = this.congestion.predictedQueueUs(sent.inFlightBytes);
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
  onAck(view: DataView, ack: AckFrame, carrier: Path, sink: SentSink, now: Micros): boolean {
    const sent = this.sent;
    if (ack.largest >= sent.next || this.state.kind === "suspended") return false;
    sent.applyAck(view, ack, sink);
    const isNew = ack.largest > this.#largestAcked;
    const isOtherWay = this.returnWay.onAck(ack, this, carrier, isNew, now);
    if (isNew && sent.isKnown(ack.largest)) this.#measureDelay(ack, isOtherWay, now);
    this.mtu.onAck(view, ack, now);
    if (sent.ackedPackets + sent.spuriousPackets === 0) return false;
    this.liveness.onAnswer(now);
    this.loss.onAck(sent, this.rtt, sink, now);
    // What an outage has swallowed says nothing of the link that is back.
    const isReturning = !this.isUp;
    const lost = isReturning ? 0 : this.loss.newlyLost + this.#tailLost - sent.spuriousPackets;
    this.lossMeter.count(sent.ackedPackets, lost, now);
    this.#tailLost = 0;
    const isTooLong = this.mtu.judge(sink, this.rtt.smoothedUs, now);
    const lostBytes = isTooLong || isReturning ? 0 : this.loss.lostBytes;
    this.#advance(sink, now);
    const isTraining = this.train.isUnderWay;
    if (this.train.onAck(ack)) this.congestion.hint(this.train.rate, this.train.isSure, now);
    this.sampler.onAck(ack, sent, this.rtt.minUs);
    this.congestion.onAck(this.sampler, sent.ackedBytes, lostBytes, sent.inFlightBytes, isTraining, now);
    this.pacer.noteWindow(this.isWindowOpen, now);
    if (this.isUp || !this.rtt.hasSample) return false;
    this.#rise(now);
    return true;
  }

  /** Losses that time alone reveals, and the end of the memory of earlier ones: a path that never answers again must not keep their buffers. */
  detectLoss(sink: SentSink, now: Micros): void {
    this.#advance(sink, now);
    if (this.loss.deadline > now) return;
    this.loss.detect(this.sent, this.rtt, sink, now);
    this.lossMeter.count(0, this.loss.newlyLost, now);
    this.mtu.judge(sink, this.rtt.smoothedUs, now);
  }

  /** Judges missing acknowledgements. What is in flight counts as lost (until a late ack says otherwise) unless the answer is `none`. */
  judgeSilence(sink: SentSink, now: Micros): Silence {
    if (!this.isUp || this.silenceAt() > now) return "none";
    const silence = this.liveness.judge(this.sent, this.#ackTimeoutUs(), now);
    if (silence === "none") return silence;
    this.#tailLost = silence === "tail" ? this.#tailLost + this.sent.inFlightPackets : 0;
    this.abandonInFlight(sink, now);
    this.isPingWanted = true;
    if (silence === "stalled") this.state = { kind: "stalled", since: now };
    return silence;
  }

  /** Hands all that is in flight to the sink as lost, to be repaired elsewhere. */
  abandonInFlight(sink: SentSink, now: Micros): void {
    this.sent.loseInFlight(sink);
    this.train.stop();
    this.pacer.noteWindow(this.isWindowOpen, now);
  }

  /** The link is gone. Packet numbers and the replay window stay. */
  suspend(sink: SentSink, now: Micros): void {
    this.abandonInFlight(sink, now);
    this.sent.clear(sink);
    this.state = { kind: "suspended", since: now };
    this.isPingWanted = false;
  }

  /** The link is back, perhaps as another one: the model starts afresh. */
  resume(options: PathOptions, now: Micros): void {
    this.configure(options, now);
    this.rtt.reset();
    this.oneWay.reset();
    this.congestion.reset();
    this.pacer.reset(now);
    this.liveness.onAnswer(now);
    this.liveness.lastElicitingAt = Number.NEGATIVE_INFINITY;
    this.state = { kind: "probing", since: now };
  }

  /** When lost packets have to be forgotten although no ack comes: a quiet bond must not keep their buffers. Infinity if there are none. */
  forgetAt(): Micros {
    const { sent } = this;
    const index = sent.oldest & sent.mask;
    if (sent.oldest === sent.next || sent.state[index] !== LOST) return Number.POSITIVE_INFINITY as Micros;
    return (sent.sentAt[index]! + this.#memoryUs() + FORGET_GRAIN_US) as Micros;
  }

  /** When silence has to be judged. */
  silenceAt(): Micros {
    if (!this.isUp) return Number.POSITIVE_INFINITY as Micros;
    return this.liveness.silenceAt(this.sent, this.rtt, this.#ackTimeoutUs());
  }

  probeAt(isBondBusy: boolean, probeEveryUs: number): Micros {
    if (this.state.kind === "suspended" || !this.hasRemote) return Number.POSITIVE_INFINITY as Micros;
    return this.liveness.probeAt(this.isUp, this.plan.role === "metered", isBondBusy, probeEveryUs);
  }

  /** When the next capacity train is due. Metered and limited paths are never measured with trains. */
  trainAt(): Micros {
    const isExcluded = !this.isUp || this.plan.role === "metered" || this.plan.rateLimitBps > 0;
    if (isExcluded) return Number.POSITIVE_INFINITY as Micros;
    const graceUntil = this.#isPlanned ? 0 : this.state.since + TRAIN_GRACE_US;
    return Math.max(this.train.dueAt(), graceUntil) as Micros;
  }

  /** Size of the datagram that has to leave now to probe the path's MTU; 0 if none. */
  pollMtuProbe(now: Micros): number {
    if (this.isUp) return this.mtu.poll(this.plan.role === "metered", now);
    return this.state.kind === "probing" && this.isPingWanted ? this.mtu.pollStart() : 0;
  }

  /** When `pollMtuProbe` has something to say without a ping. */
  mtuProbeAt(): Micros {
    return this.isUp ? this.mtu.dueAt(this.plan.role === "metered") : (Number.POSITIVE_INFINITY as Micros);
  }

  #ackTimeoutUs(): number {
    return this.liveness.timeoutUs(this.sent, this.rtt, this.oneWay) + this.returnWay.patienceUs(this);
  }

  #rise(now: Micros): void {
    this.mtu.onRise();
    if (this.state.kind === "probing") this.train.begin(now);
    this.state = { kind: "up", since: now };
    this.pacer.reset(now);
  }

  #measureDelay(ack: AckFrame, isOtherWay: boolean, now: Micros): void {
    this.#largestAcked = ack.largest;
    const index = ack.largest & this.sent.mask;
    const sentAt = this.sent.sentAt[index]!;
    const rttUs = Math.max(1.5, now - sentAt - ack.delayUs);
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
