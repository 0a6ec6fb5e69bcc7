import { Bbr } from "./bbr.ts";
import { Cubic, type HostCongestion } from "./congestion-models.ts";
import { DeliveryRate } from "./delivery-rate.ts";
import type { Endpoint } from "./endpoint.ts";
import { PeerWindow } from "./peer-window.ts";
import { TcpReceiver } from "./tcp-receiver.ts";
import { FLAG_ACK, FLAG_SYN, readSegment, Segment, segmentBytes, writeSegment } from "./tcp-wire.ts";
import type { Actor } from "./world.ts";

const MIN_RTO_US = 200_000;
/** About what Linux' default limits come to. */
const WINDOW_BYTES = 3_000_000;
/** What a host that only sends announces for the other direction. */
const SENDER_WINDOW = 512;
const SENDER_WINDOW_SCALE = 7;
/** `tcp_update_skb_after_send` forgives a late burst up to half of its length. */
const CREDIT_SHARE = 0.5;
/** The first packets of a connection are not paced. */
const UNPACED_PACKETS = 10;
/** A SYN without an answer is sent again. RFC 6298 §2 (1). */
const SYN_RTO_US = 1_000_000;

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
  /** The application writes this much at once, again and again: a video's chunks, or with a short period a constant rate. Default: all it may. */
  readonly writes?: { readonly bytes: number; readonly periodUs: number };
}

/**
 * One bulk TCP connection between two endpoints: Linux' congestion control, SACK recovery by packet counting (RACK-like for what the bond
 * shows it: no reordering), delayed acks. Sender and receiver in one object, talking only through the bond.
 */
export class TcpFlow implements Actor {
  nextAt: number;
  readonly port: number;
  readonly congestion: HostCongestion;
  readonly receiver: TcpReceiver;
  readonly peerWindow: PeerWindow;
  retransmittedPackets = 0;
  sentPackets = 0;
  timeouts = 0;
  connectUs = 0;
  smoothedRttUs = 0;
  minRttUs = Number.POSITIVE_INFINITY;

  readonly #options: TcpFlowOptions;
  readonly #sender: Endpoint;
  readonly #payloadBytes: number;
  readonly #windowPackets: number;
  readonly #segment = new Segment();
  readonly #incoming = new Segment();
  readonly #write = (view: DataView, offset: number): void => writeSegment(view, offset, this.#segment, true);
  // In packets.
  #isConnected = false;
  #next = 0;
  #acked = 0;
  #highestSacked = 0;
  readonly #mask: number;
  readonly #state: Uint8Array;
  readonly #rate: DeliveryRate;
  #inFlight = 0;
  #recoveryEnd = -1;
  #lossScan = 0;
  #retransmitFrom = 0;
  #rttVarUs = 0;
  #nextSendAt = 0;
  #rtoAt = Number.POSITIVE_INFINITY;

  constructor(sender: Endpoint, receiver: Endpoint, options: TcpFlowOptions) {
    this.#sender = sender;
    this.#options = options;
    this.port = options.port;
    this.#payloadBytes = options.segmentPayloadBytes ?? 1_384;
    this.#windowPackets = Math.max(2, Math.floor((options.windowBytes ?? WINDOW_BYTES) / this.#payloadBytes));
    const ring = 2 ** Math.ceil(Math.log2(2 * this.#windowPackets));
    this.#mask = ring - 1;
    this.peerWindow = new PeerWindow(this.#payloadBytes);
    this.#state = new Uint8Array(ring);
    this.#rate = new DeliveryRate(ring);
    this.congestion = options.congestion === "cubic" ? new Cubic() : new Bbr(this.#rate, options.port);
    this.receiver = new TcpReceiver(receiver, {
      port: options.port,
      payloadBytes: this.#payloadBytes,
      windowBytes: options.windowBytes ?? WINDOW_BYTES,
      totalBytes: options.totalBytes ?? Number.POSITIVE_INFINITY,
    });
    this.nextAt = options.startAt;
  }

  /** Payload bytes delivered in order. */
  get deliveredBytes(): number {
    return this.receiver.deliveredBytes;
  }

  get completedAt(): number {
    return this.receiver.completedAt;
  }

  run(now: number): void {
    if (!this.#isConnected && this.#rtoAt === Number.POSITIVE_INFINITY) this.#sendSyn(now);
    else if (now >= this.#rtoAt) this.#onTimeout(now);
    if (now >= this.receiver.ackAt) this.receiver.sendAck(now);
    this.#fill(now);
    this.#rearm(now);
  }

  /** An inner packet of this connection arrives at the sender's side. */
  receiveAtSender(view: DataView, offset: number, length: number, now: number): void {
    const segment = this.#incoming;
    readSegment(view, offset, length, this.#acked * this.#payloadBytes, false, segment);
    if ((segment.flags & FLAG_SYN) !== 0) this.#onSynAck(segment, now);
    else this.#onAck(segment, now);
    this.#fill(now);
    this.#rearm(now);
  }

  receiveAtReceiver(view: DataView, offset: number, length: number, now: number): void {
    this.receiver.receive(view, offset, length, now);
    this.#rearm(now);
  }

  #sendSyn(now: number): void {
    this.#rtoAt = now + SYN_RTO_US;
    this.#emit(FLAG_SYN, 0, 0, now);
  }

  #onSynAck(segment: Segment, now: number): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.peerWindow.note(segment, 0);
    this.connectUs = now - this.#options.startAt;
    this.#rtoAt = Number.POSITIVE_INFINITY;
    this.#nextSendAt = now;
    // The SYN may have been lost: a round trip is taken from the last one.
    const rttUs = this.connectUs % SYN_RTO_US;
    this.minRttUs = rttUs;
    this.congestion.onConnected(rttUs, now);
  }

  #onAck(segment: Segment, now: number): void {
    const cumulative = Math.max(this.#acked, Math.round(segment.acknowledgement / this.#payloadBytes));
    const hasAdvanced = cumulative > this.#acked;
    this.peerWindow.note(segment, this.#acked);
    const priorInFlightPackets = this.#inFlight;
    const priorDelivered = this.#rate.delivered;
    this.#deliver(this.#acked, cumulative);
    for (let n = this.#acked; n < cumulative; n++) this.#state[n & this.#mask] = 0;
    this.#acked = cumulative;
    for (let i = 0; i < segment.sacks.length; i += 2) {
      const start = Math.round(segment.sacks[i]! / this.#payloadBytes);
      const end = Math.round(segment.sacks[i + 1]! / this.#payloadBytes);
      this.#deliver(Math.max(this.#acked, start), end);
      this.#highestSacked = Math.max(this.#highestSacked, end);
    }
    const ackedPackets = this.#rate.delivered - priorDelivered;
    if (ackedPackets === 0) return;
    const rttUs = this.#sampleRtt(segment.echo, now);
    const lostPackets = this.#detectLoss(now);
    const sample = this.#rate.generate(this.minRttUs, now);
    if (this.#acked >= this.#recoveryEnd) this.#recoveryEnd = -1;
    const isRecovering = this.#recoveryEnd >= 0;
    if (!isRecovering || this.#options.congestion === "bbr") {
      this.congestion.onAck({
        now,
        rttUs,
        ackedPackets,
        priorInFlightPackets,
        inFlightPackets: this.#inFlight,
        lostPackets,
        isRecovering,
        sample,
        departAt: this.#nextSendAt,
        cumulative: this.#acked,
        sentHighest: this.#next,
      });
    }
    if (hasAdvanced) this.#rtoAt = this.#inFlight > 0 ? now + this.#rtoUs() : Number.POSITIVE_INFINITY;
  }

  /** Packets that have arrived, those of them that were not known to. */
  #deliver(from: number, end: number): void {
    for (let n = from; n < end; n++) {
      const index = n & this.#mask;
      const state = this.#state[index];
      if (state === SACKED) continue;
      if (state === SENT || state === RESENT) this.#inFlight--;
      this.#state[index] = SACKED;
      this.#rate.noteDelivered(index);
    }
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
      const index = this.#lossScan & this.#mask;
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

  #onTimeout(now: number): void {
    if (!this.#isConnected) {
      this.#sendSyn(now);
      return;
    }
    this.timeouts++;
    for (let n = this.#acked; n < this.#next; n++) {
      const index = n & this.#mask;
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
    const { congestion } = this;
    const window = Math.floor(Math.min(congestion.windowPackets, this.#windowPackets));
    const written = this.#writtenPackets(now);
    while (this.#inFlight < window) {
      if (congestion.pacingRate > 0 && this.#nextSendAt > now + congestion.pacingLeadUs) return;
      let burst = 0;
      while (burst < congestion.burstPackets && this.#inFlight < window && this.#sendNext(written, now)) burst++;
      if (burst === 0) {
        if (this.#next >= written) this.#rate.markAppLimited(this.#inFlight);
        return;
      }
      this.#pace(burst, now);
    }
  }

  /** Sends what was lost, or something new. Returns false if there is neither. */
  #sendNext(written: number, now: number): boolean {
    const lost = this.#nextLost();
    const number = lost >= 0 ? lost : this.#next;
    // `tcp_retransmit_skb`: the first one always may go.
    if (number >= this.peerWindow.edge && !(lost >= 0 && number === this.#acked)) return false;
    if (lost < 0 && (this.#next >= written || this.#next - this.#acked >= this.#windowPackets)) return false;
    this.#transmit(lost >= 0 ? lost : this.#next++, lost >= 0, now);
    return true;
  }

  #pace(packets: number, now: number): void {
    const { pacingRate, burstPackets } = this.congestion;
    if (pacingRate === 0 || (burstPackets > 1 && this.sentPackets <= UNPACED_PACKETS)) return;
    const lengthUs = packets / pacingRate;
    const creditUs = burstPackets > 1 ? Math.min(CREDIT_SHARE * lengthUs, Math.max(0, now - this.#nextSendAt)) : 0;
    this.#nextSendAt = Math.max(this.#nextSendAt, now) + lengthUs - creditUs;
  }

  #nextLost(): number {
    for (
      ;
      this.#retransmitFrom < Math.min(this.#lossScan, this.#next) || this.#retransmitFrom < this.#recoveryEnd;
      this.#retransmitFrom++
    ) {
      if (this.#retransmitFrom >= this.#next) return -1;
      if (this.#state[this.#retransmitFrom & this.#mask] === LOST) return this.#retransmitFrom;
    }
    return -1;
  }

  #transmit(number: number, isRetransmission: boolean, now: number): void {
    const index = number & this.#mask;
    this.#state[index] = isRetransmission ? RESENT : SENT;
    this.#rate.noteSent(index, number === this.#acked && !isRetransmission, now);
    this.#inFlight++;
    this.sentPackets++;
    if (isRetransmission) this.retransmittedPackets++;
    if (this.#rtoAt === Number.POSITIVE_INFINITY) this.#rtoAt = now + this.#rtoUs();
    this.#emit(FLAG_ACK, number, this.#payloadBytes, now);
  }

  #rearm(now: number): void {
    const { ackAt } = this.receiver;
    this.nextAt = this.#isFinished() ? ackAt : Math.min(this.#rtoAt, ackAt, this.#sendAt(now));
  }

  /** When the sender may go on without an ack. */
  #sendAt(now: number): number {
    const window = Math.floor(Math.min(this.congestion.windowPackets, this.#windowPackets));
    const edge = Math.min(this.peerWindow.edge, this.#acked + this.#windowPackets);
    const isOpen = this.#inFlight < window && this.#next < edge;
    if (!this.#isConnected || !isOpen || now >= this.#options.stopAt) return Number.POSITIVE_INFINITY;
    if (this.#next >= this.#writtenPackets(now)) return this.#writeAt(now);
    const { pacingRate, pacingLeadUs } = this.congestion;
    return pacingRate > 0 ? this.#nextSendAt - pacingLeadUs / 2 : Number.POSITIVE_INFINITY;
  }

  /** Packets that the application has written so far. */
  #writtenPackets(now: number): number {
    const { totalBytes = Number.POSITIVE_INFINITY, writes, startAt } = this.#options;
    if (writes === undefined) return Math.ceil(totalBytes / this.#payloadBytes);
    const bytes = writes.bytes * (1 + Math.floor((now - startAt) / writes.periodUs));
    return Math.ceil(Math.min(bytes, totalBytes) / this.#payloadBytes);
  }

  /** When the application writes next. */
  #writeAt(now: number): number {
    const { writes, startAt, totalBytes = Number.POSITIVE_INFINITY } = this.#options;
    if (writes === undefined || this.#next * this.#payloadBytes >= totalBytes) return Number.POSITIVE_INFINITY;
    // One more microsecond, or rounding could make it a moment before.
    return startAt + writes.periodUs * (1 + Math.floor((now - startAt) / writes.periodUs)) + 1;
  }

  #isFinished(): boolean {
    const { totalBytes = Number.POSITIVE_INFINITY } = this.#options;
    return this.#next * this.#payloadBytes >= totalBytes && this.#inFlight === 0;
  }

  #emit(flags: number, number: number, payloadBytes: number, now: number): void {
    const segment = this.#segment;
    segment.port = this.port;
    segment.sequence = number * this.#payloadBytes;
    segment.acknowledgement = 0;
    segment.flags = flags;
    segment.window = SENDER_WINDOW;
    segment.windowScale = SENDER_WINDOW_SCALE;
    segment.payloadBytes = payloadBytes;
    segment.transmission = this.sentPackets;
    segment.timestamp = Math.floor(now) >>> 0;
    segment.echo = 0;
    segment.sacks.length = 0;
    this.#sender.sendInner(segmentBytes(segment), now, this.#write);
  }
}

const SENT = 1;
const SACKED = 2;
const LOST = 3;
const RESENT = 4;
