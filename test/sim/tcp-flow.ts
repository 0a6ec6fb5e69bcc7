import { Bbr } from "./bbr.ts";
import { Cubic, type HostCongestion } from "./congestion-models.ts";
import { DeliveryRate } from "./delivery-rate.ts";
import type { Endpoint } from "./endpoint.ts";
import { PeerWindow } from "./peer-window.ts";
import { TcpApplication, type TcpWrites } from "./tcp-application.ts";
import { TcpReceiver } from "./tcp-receiver.ts";
import { TcpScoreboard } from "./tcp-scoreboard.ts";
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

export interface TcpFlowOptions extends TcpWrites {
  readonly port: number;
  readonly congestion: "cubic" | "bbr";
  readonly startAt: number;
  readonly stopAt: number;
  /** Payload of a full segment. 1,384 fits a 1,436-byte tunnel with timestamps. */
  readonly segmentPayloadBytes?: number;
  /** Smaller of send buffer and receive window, bytes. Linux' defaults come to about this. */
  readonly windowBytes?: number;
  /** The receive window is that large from the start, instead of growing with what comes. */
  readonly isWindowFixed?: boolean;
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
  readonly #board: TcpScoreboard;
  readonly #rate: DeliveryRate;
  readonly #application: TcpApplication;
  /** The receiver's time, as the last ack told it. */
  #echo = 0;
  #isConnected = false;
  #rttVarUs = 0;
  #nextSendAt = 0;
  #rtoAt = Number.POSITIVE_INFINITY;
  /** When the timer first ran out in the recovery that goes on; 0 if it did not. */
  #timedOutAt = 0;

  constructor(sender: Endpoint, receiver: Endpoint, options: TcpFlowOptions) {
    this.#sender = sender;
    this.#options = options;
    this.port = options.port;
    this.#payloadBytes = options.segmentPayloadBytes ?? 1_384;
    this.#windowPackets = Math.max(2, Math.floor((options.windowBytes ?? WINDOW_BYTES) / this.#payloadBytes));
    const ring = 2 ** Math.ceil(Math.log2(2 * this.#windowPackets));
    this.peerWindow = new PeerWindow(this.#payloadBytes);
    this.#rate = new DeliveryRate(ring);
    this.#board = new TcpScoreboard(ring, this.#rate);
    this.#application = new TcpApplication(options, options.startAt, this.#payloadBytes);
    this.congestion = options.congestion === "cubic" ? new Cubic() : new Bbr(this.#rate, options.port);
    this.receiver = new TcpReceiver(receiver, {
      port: options.port,
      payloadBytes: this.#payloadBytes,
      windowBytes: options.windowBytes ?? WINDOW_BYTES,
      isWindowFixed: options.isWindowFixed ?? false,
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
    readSegment(view, offset, length, this.#board.acked * this.#payloadBytes, false, segment);
    this.#echo = segment.timestamp;
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
    const board = this.#board;
    const cumulative = Math.max(board.acked, Math.round(segment.acknowledgement / this.#payloadBytes));
    const hasAdvanced = cumulative > board.acked;
    this.peerWindow.note(segment, board.acked);
    const priorInFlightPackets = board.inFlight;
    const priorDelivered = this.#rate.delivered;
    board.noteAcked(cumulative);
    for (let i = 0; i < segment.sacks.length; i += 2) {
      const from = Math.round(segment.sacks[i]! / this.#payloadBytes);
      board.noteSacked(from, Math.round(segment.sacks[i + 1]! / this.#payloadBytes));
    }
    const ackedPackets = this.#rate.delivered - priorDelivered;
    if (ackedPackets === 0) return;
    const rttUs = this.#sampleRtt(segment.echo, now);
    if (hasAdvanced && this.#timedOutAt > 0) this.#judgeTimeout(segment.echo);
    const lostPackets = this.#detectLoss(now);
    const sample = this.#rate.generate(this.minRttUs, now);
    board.endRecovery();
    const { isRecovering } = board;
    if (!isRecovering) this.#timedOutAt = 0;
    // After a timeout, the window grows as in slow start.
    if (!isRecovering || this.#timedOutAt > 0 || this.#options.congestion === "bbr") {
      this.congestion.onAck({
        now,
        rttUs,
        ackedPackets,
        priorInFlightPackets,
        inFlightPackets: board.inFlight,
        lostPackets,
        isRecovering,
        sample,
        departAt: this.#nextSendAt,
        cumulative,
        sentHighest: board.next,
      });
    }
    if (hasAdvanced) this.#rtoAt = board.inFlight > 0 ? now + this.#rtoUs() : Number.POSITIVE_INFINITY;
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

  #detectLoss(now: number): number {
    const wasRecovering = this.#board.isRecovering;
    const lost = this.#board.detectLoss();
    if (lost > 0 && !wasRecovering) this.congestion.onLoss(now);
    return lost;
  }

  /** Eifel (RFC 3522), as in `tcp_try_undo_loss`: an ack that echoes what left before the timeout shows that nothing was lost. */
  #judgeTimeout(echo: number): void {
    if (((echo - Math.floor(this.#timedOutAt)) | 0) >= 0) return;
    this.#board.restoreAll();
    this.congestion.onSpuriousTimeout();
  }

  #onTimeout(now: number): void {
    if (!this.#isConnected) {
      this.#sendSyn(now);
      return;
    }
    this.timeouts++;
    if (this.#timedOutAt === 0) this.#timedOutAt = now;
    this.#board.loseAll();
    this.congestion.onTimeout(now);
    this.#rtoAt = now + 2 * this.#rtoUs();
  }

  #fill(now: number): void {
    if (!this.#isConnected || now >= this.#options.stopAt) return;
    const { congestion } = this;
    const window = Math.floor(Math.min(congestion.windowPackets, this.#windowPackets));
    const written = this.#application.writtenPackets(now);
    while (this.#board.inFlight < window) {
      if (congestion.pacingRate > 0 && this.#nextSendAt > now + congestion.pacingLeadUs) return;
      let burst = 0;
      while (burst < congestion.burstPackets && this.#board.inFlight < window && this.#sendNext(written, now)) burst++;
      if (burst === 0) {
        if (this.#board.next >= written) this.#rate.markAppLimited(this.#board.inFlight);
        return;
      }
      this.#pace(burst, now);
    }
  }

  /** Sends what was lost, or something new. Returns false if there is neither. */
  #sendNext(written: number, now: number): boolean {
    const board = this.#board;
    const lost = board.nextLost();
    const number = lost >= 0 ? lost : board.next;
    // `tcp_retransmit_skb`: the first one always may go.
    if (number >= this.peerWindow.edge && !(lost >= 0 && number === board.acked)) return false;
    if (lost < 0 && (board.next >= written || board.next - board.acked >= this.#windowPackets)) return false;
    this.#transmit(lost >= 0 ? lost : board.next++, lost >= 0, now);
    return true;
  }

  #pace(packets: number, now: number): void {
    const { pacingRate, burstPackets } = this.congestion;
    if (pacingRate === 0 || (burstPackets > 1 && this.sentPackets <= UNPACED_PACKETS)) return;
    const lengthUs = packets / pacingRate;
    const creditUs = burstPackets > 1 ? Math.min(CREDIT_SHARE * lengthUs, Math.max(0, now - this.#nextSendAt)) : 0;
    this.#nextSendAt = Math.max(this.#nextSendAt, now) + lengthUs - creditUs;
  }

  #transmit(number: number, isRetransmission: boolean, now: number): void {
    this.#board.noteSent(number, isRetransmission, now);
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
    const board = this.#board;
    const window = Math.floor(Math.min(this.congestion.windowPackets, this.#windowPackets));
    const edge = Math.min(this.peerWindow.edge, board.acked + this.#windowPackets);
    const isOpen = board.inFlight < window && board.next < edge;
    if (!this.#isConnected || !isOpen || now >= this.#options.stopAt) return Number.POSITIVE_INFINITY;
    if (board.next >= this.#application.writtenPackets(now)) return this.#application.writesAt(board.next, now);
    const { pacingRate, pacingLeadUs } = this.congestion;
    return pacingRate > 0 ? this.#nextSendAt - pacingLeadUs / 2 : Number.POSITIVE_INFINITY;
  }

  #isFinished(): boolean {
    return this.#application.isWhole(this.#board.next) && this.#board.inFlight === 0;
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
    segment.echo = this.#echo;
    segment.sacks.length = 0;
    this.#sender.sendInner(segmentBytes(segment), now, this.#write);
  }
}
