import { Bbr, Cubic, type HostCongestion } from "./congestion-models.ts";
import type { Endpoint } from "./endpoint.ts";
import { FLAG_ACK, FLAG_SYN, readSegment, Segment, segmentBytes, writeSegment } from "./tcp-wire.ts";
import type { Actor } from "./world.ts";

const DELAYED_ACK_US = 40_000;
const MIN_RTO_US = 200_000;
/** Packets that a host without fq may send back to back: one TSO burst of a millisecond. */
const BURST_US = 1_000;
const RING = 1 << 15;

export interface TcpFlowOptions {
  readonly port: number;
  readonly congestion: "cubic" | "bbr";
  readonly startAt: number;
  readonly stopAt: number;
  /** Payload of a full segment. 1,384 fits a 1,436-byte tunnel with timestamps. */
  readonly segmentPayloadBytes?: number;
  /** Smaller of send buffer and receive window, bytes. Linux' defaults come to about this. */
  readonly windowBytes?: number;
  /** Bytes to transfer; endless by default. */
  readonly totalBytes?: number;
}

/**
 * One bulk TCP connection between two endpoints: Linux' congestion control, SACK recovery by packet counting (RACK-like for what the bond
 * shows it: no reordering), delayed acks. Sender and receiver in one object, talking only through the bond.
 */
export class TcpFlow implements Actor {
  nextAt: number;
  readonly port: number;
  readonly congestion: HostCongestion & { exitReason: string };
  /** Payload bytes delivered in order. */
  deliveredBytes = 0;
  retransmittedPackets = 0;
  sentPackets = 0;
  timeouts = 0;
  /** Segments that reached the receiver out of order, or twice. */
  reorderedPackets = 0;
  duplicatePackets = 0;
  connectUs = 0;
  completedAt = 0;
  smoothedRttUs = 0;
  minRttUs = Number.POSITIVE_INFINITY;
  /** Payload bytes delivered per 100 ms. */
  readonly timeline: number[] = [];

  readonly #options: TcpFlowOptions;
  readonly #sender: Endpoint;
  readonly #receiver: Endpoint;
  readonly #payloadBytes: number;
  readonly #windowPackets: number;
  readonly #segment = new Segment();
  readonly #incoming = new Segment();
  // Sender, in packets.
  #isConnected = false;
  #next = 0;
  #acked = 0;
  #highestSacked = 0;
  readonly #state = new Uint8Array(RING);
  readonly #sentAt = new Float64Array(RING);
  readonly #deliveredAtSend = new Float64Array(RING);
  readonly #deliveredTimeAtSend = new Float64Array(RING);
  #inFlight = 0;
  #delivered = 0;
  #deliveredTime = 0;
  #roundEnd = 0;
  #recoveryEnd = -1;
  #lossScan = 0;
  #retransmitFrom = 0;
  #rttVarUs = 0;
  #nextSendAt = 0;
  #rtoAt = Number.POSITIVE_INFINITY;
  #ackCount = 0;
  #isWindowLimited = true;
  // Receiver.
  #expected = 0;
  readonly #held = new Set<number>();
  #unacked = 0;
  #ackAt = Number.POSITIVE_INFINITY;
  #echo = 0;
  #recentSack = -1;

  constructor(sender: Endpoint, receiver: Endpoint, options: TcpFlowOptions) {
    this.#sender = sender;
    this.#receiver = receiver;
    this.#options = options;
    this.port = options.port;
    this.congestion = options.congestion === "cubic" ? new Cubic() : new Bbr();
    this.#payloadBytes = options.segmentPayloadBytes ?? 1_384;
    this.#windowPackets = Math.floor((options.windowBytes ?? 3_000_000) / this.#payloadBytes);
    this.nextAt = options.startAt;
  }

  get isWindowLimited(): boolean {
    return this.#isWindowLimited;
  }

  run(now: number): void {
    if (!this.#isConnected && this.#rtoAt === Number.POSITIVE_INFINITY) this.#sendSyn(now);
    else if (now >= this.#rtoAt) this.#onTimeout(now);
    if (now >= this.#ackAt) this.#sendAck(now);
    if (this.#isConnected) this.#fill(now);
    this.#rearm();
  }

  /** An inner packet of this connection arrives at the sender's side. */
  receiveAtSender(view: DataView, offset: number, length: number, now: number): void {
    const segment = this.#incoming;
    readSegment(view, offset, length, this.#acked * this.#payloadBytes, false, segment);
    if ((segment.flags & FLAG_SYN) !== 0) this.#onSynAck(now);
    else this.#onAck(segment, now);
    this.#fill(now);
    this.#rearm();
  }

  receiveAtReceiver(view: DataView, offset: number, length: number, now: number): void {
    const segment = this.#incoming;
    readSegment(view, offset, length, this.#expected * this.#payloadBytes, true, segment);
    this.#echo = segment.timestamp;
    if ((segment.flags & FLAG_SYN) !== 0) this.#reply(FLAG_SYN | FLAG_ACK, now);
    else this.#onData(Math.round(segment.sequence / this.#payloadBytes), segment.payloadBytes, now);
    this.#rearm();
  }

  // ---- sender

  #sendSyn(now: number): void {
    this.#rtoAt = now + 1_000_000;
    this.#emit(this.#sender, FLAG_SYN, 0, 0, now);
  }

  #onSynAck(now: number): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.connectUs = now - this.#options.startAt;
    this.#rtoAt = Number.POSITIVE_INFINITY;
    this.#nextSendAt = now;
    this.#deliveredTime = now;
  }

  #onAck(segment: Segment, now: number): void {
    const cumulative = Math.round(segment.acknowledgement / this.#payloadBytes);
    let newlyDelivered = 0;
    let newest = -1;
    for (let n = this.#acked; n < cumulative; n++) {
      if (this.#state[n & (RING - 1)] === SENT || this.#state[n & (RING - 1)] === RESENT) {
        this.#inFlight--;
        newest = Math.max(newest, n);
      }
      if (this.#state[n & (RING - 1)] !== SACKED) newlyDelivered++;
      this.#state[n & (RING - 1)] = 0;
    }
    const advanced = Math.max(0, cumulative - this.#acked);
    this.#acked = Math.max(this.#acked, cumulative);
    for (let i = 0; i < segment.sacks.length; i += 2) {
      const end = Math.round(segment.sacks[i + 1]! / this.#payloadBytes);
      for (let n = Math.max(this.#acked, Math.round(segment.sacks[i]! / this.#payloadBytes)); n < end; n++) {
        const index = n & (RING - 1);
        if (this.#state[index] === SACKED) continue;
        if (this.#state[index] === SENT || this.#state[index] === RESENT) this.#inFlight--;
        this.#state[index] = SACKED;
        newest = Math.max(newest, n);
        newlyDelivered++;
      }
      this.#highestSacked = Math.max(this.#highestSacked, end);
    }
    if (newlyDelivered === 0) return;
    this.#delivered += newlyDelivered;
    const rttUs = this.#sampleRtt(segment.echo, now);
    const lost = this.#detectLoss(now);
    const rate = newest >= 0 ? this.#rateOf(newest, now) : 0;
    const isRoundStart = this.#acked >= this.#roundEnd;
    if (isRoundStart) this.#roundEnd = this.#next;
    if (this.#acked >= this.#recoveryEnd) this.#recoveryEnd = -1;
    this.#deliveredTime = now;
    if (this.#recoveryEnd < 0 || this.#options.congestion === "bbr") {
      this.congestion.onAck({
        now,
        rttUs,
        ackedPackets: newlyDelivered,
        inFlightPackets: this.#inFlight,
        isRoundStart,
        deliveryRate: rate,
        isAppLimited: !this.#isWindowLimited,
        lostPackets: lost,
        cumulative: this.#acked,
        sentHighest: this.#next,
      });
    }
    if (advanced > 0) this.#rtoAt = this.#inFlight > 0 ? now + this.#rtoUs() : Number.POSITIVE_INFINITY;
  }

  #sampleRtt(echo: number, now: number): number {
    const rttUs = ((Math.floor(now) >>> 0) - echo) >>> 0;
    this.minRttUs = Math.min(this.minRttUs, rttUs);
    if (this.smoothedRttUs === 0) {
      this.smoothedRttUs = rttUs;
      this.#rttVarUs = rttUs / 2;
    }
    this.#rttVarUs += (Math.abs(rttUs - this.smoothedRttUs) - this.#rttVarUs) / 4;
    this.smoothedRttUs += (rttUs - this.smoothedRttUs) / 8;
    return rttUs;
  }

  #rtoUs(): number {
    return this.smoothedRttUs + Math.max(MIN_RTO_US, 4 * this.#rttVarUs);
  }

  /** Three packets beyond a hole have arrived: it is lost. */
  #detectLoss(now: number): number {
    let lost = 0;
    this.#lossScan = Math.max(this.#lossScan, this.#acked);
    for (; this.#lossScan < this.#highestSacked - 3; this.#lossScan++) {
      const index = this.#lossScan & (RING - 1);
      if (this.#state[index] !== SENT) continue;
      this.#state[index] = LOST;
      this.#inFlight--;
      lost++;
    }
    if (lost > 0) {
      this.#retransmitFrom = this.#acked;
      if (this.#recoveryEnd < 0) {
        this.#recoveryEnd = this.#next;
        this.congestion.onLoss(now);
      }
    }
    return lost;
  }

  #rateOf(newest: number, now: number): number {
    const index = newest & (RING - 1);
    const intervalUs = Math.max(now - this.#deliveredTimeAtSend[index]!, 1);
    return (this.#delivered - this.#deliveredAtSend[index]!) / intervalUs;
  }

  #onTimeout(now: number): void {
    if (!this.#isConnected) {
      this.#sendSyn(now);
      return;
    }
    this.timeouts++;
    for (let n = this.#acked; n < this.#next; n++) {
      const index = n & (RING - 1);
      if (this.#state[index] === SENT || this.#state[index] === RESENT) this.#state[index] = LOST;
    }
    this.#inFlight = 0;
    this.#retransmitFrom = this.#acked;
    this.#recoveryEnd = this.#next;
    this.congestion.onTimeout(now);
    this.#rtoAt = now + 2 * this.#rtoUs();
  }

  #fill(now: number): void {
    if (!this.#isConnected || now >= this.#options.stopAt) return;
    const window = Math.min(this.congestion.windowPackets, this.#windowPackets);
    const totalPackets = Math.ceil((this.#options.totalBytes ?? Number.POSITIVE_INFINITY) / this.#payloadBytes);
    const rate = this.congestion.pacingRate;
    while (this.#inFlight < Math.floor(window)) {
      if (rate > 0 && this.#nextSendAt > now + BURST_US) return;
      const lost = this.#nextLost();
      if (lost < 0 && (this.#next >= totalPackets || this.#next - this.#acked >= this.#windowPackets)) break;
      this.#transmit(lost >= 0 ? lost : this.#next++, lost >= 0, now);
      if (rate > 0) this.#nextSendAt = Math.max(this.#nextSendAt, now) + 1 / rate;
    }
    this.#isWindowLimited = true;
  }

  #nextLost(): number {
    for (
      ;
      this.#retransmitFrom < Math.min(this.#lossScan, this.#next) || this.#retransmitFrom < this.#recoveryEnd;
      this.#retransmitFrom++
    ) {
      if (this.#retransmitFrom >= this.#next) return -1;
      if (this.#state[this.#retransmitFrom & (RING - 1)] === LOST) return this.#retransmitFrom;
    }
    return -1;
  }

  #transmit(number: number, isRetransmission: boolean, now: number): void {
    const index = number & (RING - 1);
    this.#state[index] = isRetransmission ? RESENT : SENT;
    this.#sentAt[index] = now;
    if (this.#inFlight === 0) this.#deliveredTime = now;
    this.#deliveredAtSend[index] = this.#delivered;
    this.#deliveredTimeAtSend[index] = this.#deliveredTime;
    this.#inFlight++;
    this.sentPackets++;
    if (isRetransmission) this.retransmittedPackets++;
    if (this.#rtoAt === Number.POSITIVE_INFINITY) this.#rtoAt = now + this.#rtoUs();
    this.#emit(this.#sender, FLAG_ACK, number, this.#payloadBytes, now);
  }

  #rearm(): void {
    let at = Math.min(this.#rtoAt, this.#ackAt);
    const window = Math.min(this.congestion.windowPackets, this.#windowPackets);
    const canSend =
      this.#isConnected && this.#inFlight < Math.floor(window) && this.#next - this.#acked < this.#windowPackets;
    if (canSend && this.congestion.pacingRate > 0 && this.#hasData())
      at = Math.min(at, this.#nextSendAt - BURST_US / 2);
    if (this.#isFinished()) at = this.#ackAt;
    this.nextAt = at;
  }

  #hasData(): boolean {
    return this.#next * this.#payloadBytes < (this.#options.totalBytes ?? Number.POSITIVE_INFINITY);
  }

  #isFinished(): boolean {
    return !this.#hasData() && this.#inFlight === 0;
  }

  // ---- receiver

  #onData(number: number, bytes: number, now: number): void {
    if (number < this.#expected || this.#held.has(number)) {
      this.duplicatePackets++;
      this.#sendAck(now);
      return;
    }
    if (number > this.#expected) {
      if (!this.#held.has(number)) this.#held.add(number);
      this.reorderedPackets++;
      this.#recentSack = number;
      this.#sendAck(now);
      return;
    }
    const hadHoles = this.#held.size > 0;
    do {
      this.#expected++;
      this.deliveredBytes += bytes;
      const bucket = Math.floor(now / 100_000);
      while (this.timeline.length <= bucket) this.timeline.push(0);
      this.timeline[bucket]! += bytes;
    } while (this.#held.delete(this.#expected));
    if (this.deliveredBytes >= (this.#options.totalBytes ?? Number.POSITIVE_INFINITY) && this.completedAt === 0) {
      this.completedAt = now;
    }
    // Quick acks at first, as Linux does; then every second segment.
    if (hadHoles || ++this.#unacked >= 2 || this.#ackCount < 16) this.#sendAck(now);
    else if (this.#ackAt === Number.POSITIVE_INFINITY) this.#ackAt = now + DELAYED_ACK_US;
  }

  #sendAck(now: number): void {
    this.#unacked = 0;
    this.#ackAt = Number.POSITIVE_INFINITY;
    this.#ackCount++;
    this.#reply(FLAG_ACK, now);
  }

  #reply(flags: number, now: number): void {
    const segment = this.#segment;
    segment.port = this.port;
    segment.sequence = 0;
    segment.acknowledgement = this.#expected * this.#payloadBytes;
    segment.flags = flags;
    segment.payloadBytes = 0;
    segment.timestamp = Math.floor(now) >>> 0;
    segment.echo = this.#echo;
    this.#fillSacks(segment);
    const length = segmentBytes(0, segment.sacks.length / 2);
    this.#receiver.sendInner(length, now, (view, offset) => writeSegment(view, offset, segment, false));
  }

  /** The block around the newest out-of-order segment, then the lowest ones. */
  #fillSacks(segment: Segment): void {
    segment.sacks.length = 0;
    if (this.#held.size === 0) return;
    let start = this.#recentSack;
    let end = this.#recentSack + 1;
    if (!this.#held.has(start)) return;
    while (this.#held.has(start - 1)) start--;
    while (this.#held.has(end)) end++;
    segment.sacks.push(start * this.#payloadBytes, end * this.#payloadBytes);
  }

  #emit(endpoint: Endpoint, flags: number, number: number, payloadBytes: number, now: number): void {
    const segment = this.#segment;
    segment.port = this.port;
    segment.sequence = number * this.#payloadBytes;
    segment.acknowledgement = 0;
    segment.flags = flags;
    segment.payloadBytes = payloadBytes;
    segment.timestamp = Math.floor(now) >>> 0;
    segment.echo = 0;
    segment.sacks.length = 0;
    endpoint.sendInner(segmentBytes(payloadBytes, 0), now, (view, offset) => writeSegment(view, offset, segment, true));
  }
}

const SENT = 1;
const SACKED = 2;
const LOST = 3;
const RESENT = 4;
