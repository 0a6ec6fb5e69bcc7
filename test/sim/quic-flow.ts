import type { Endpoint } from "./endpoint.ts";
import { QuicReno } from "./quic-congestion.ts";
import { QuicReceiver } from "./quic-receiver.ts";
import { HANDSHAKE_PACKETS, isLongHeader, QuicAck, readAck, writeData } from "./quic-wire.ts";
import type { Actor } from "./world.ts";

/** From RFC 9002 §6.1: packets and share of the round trip after which an unacknowledged packet is lost; and a timer's grain. */
const PACKET_THRESHOLD = 3;
const TIME_THRESHOLD = 9 / 8;
const GRANULARITY_US = 1_000;
const MAX_ACK_DELAY_US = 25_000;
/** quic-go's pacer. */
const PACING_GAIN = 5 / 4;
const PACER_BURST_PACKETS = 10;
const PACER_BURST_US = 2_000;
const PROBES = 2;
const RING = 65_536;
const MASK = RING - 1;

const SENT = 1;
const LOST = 2;

export interface QuicFlowOptions {
  readonly port: number;
  readonly startAt: number;
  readonly stopAt: number;
  /** Inner IP packet. 1,436 is the tunnel's MTU; quic-go's search for it ends near. */
  readonly packetBytes?: number;
}

/**
 * An HTTP/3 download of a large file: quic-go as the sender, chromium as the receiver, in one object, talking only through the bond. Acks are read by no one else:
 * the bond sees a short header and a length. A packet that was declared lost is sent again under a new number.
 */
export class QuicFlow implements Actor {
  nextAt: number;
  readonly port: number;
  readonly congestion = new QuicReno();
  readonly receiver: QuicReceiver;
  readonly packetBytes: number;
  sentPackets = 0;
  lostPackets = 0;
  /** Declared lost, and acknowledged afterwards. */
  spuriousPackets = 0;
  probeTimeouts = 0;
  smoothedRttUs = 0;
  latestRttUs = 0;
  minRttUs = Number.POSITIVE_INFINITY;

  readonly #options: QuicFlowOptions;
  readonly #sender: Endpoint;
  readonly #ack = new QuicAck();
  readonly #sentAt = new Float64Array(RING);
  readonly #state = new Uint8Array(RING);
  #rttVarUs = 0;
  #isOpen = false;
  #hasAsked = false;
  #inFlight = 0;
  #oldest = 0;
  #largestAcked = -1;
  #lossAt = Number.POSITIVE_INFINITY;
  #probeAt = Number.POSITIVE_INFINITY;
  #probes = 0;
  #backoff = 1;
  #budget = PACER_BURST_PACKETS;
  #budgetAt = 0;
  readonly #write = (view: DataView, offset: number): void =>
    writeData(view, offset, this.packetBytes, this.port, this.sentPackets);

  constructor(sender: Endpoint, receiver: Endpoint, options: QuicFlowOptions) {
    this.#sender = sender;
    this.#options = options;
    this.port = options.port;
    this.packetBytes = options.packetBytes ?? 1_430;
    this.receiver = new QuicReceiver(receiver, options.port);
    this.nextAt = options.startAt;
  }

  /** QUIC packets that brought something new, with their headers. */
  get deliveredBytes(): number {
    return (this.receiver.receivedPackets - this.spuriousPackets) * this.packetBytes;
  }

  run(now: number): void {
    if (!this.#hasAsked) {
      this.#hasAsked = true;
      this.receiver.open(now);
    }
    if (now >= this.receiver.ackAt) this.receiver.sendAck(now);
    if (now >= this.#lossAt) this.#detectLoss(now);
    if (now >= this.#probeAt) this.#onProbeTimeout(now);
    this.#fill(now);
    this.#rearm(now);
  }

  receiveAtSender(view: DataView, offset: number, now: number): void {
    if (isLongHeader(view, offset)) this.#isOpen = true;
    else this.#onAck(view, offset, now);
    this.#fill(now);
    this.#rearm(now);
  }

  receiveAtReceiver(view: DataView, offset: number, now: number): void {
    this.receiver.receive(view, offset, now);
    this.#rearm(now);
  }

  #onAck(view: DataView, offset: number, now: number): void {
    const ack = this.#ack;
    readAck(view, offset, ack);
    const newly: number[] = [];
    for (const { first, last } of ack.ranges.toReversed()) {
      for (let n = Math.max(first, this.#oldest, this.sentPackets - RING); n <= last; n++) {
        const state = this.#state[n & MASK];
        if (state === SENT) newly.push(n);
        else if (state === LOST) this.spuriousPackets++;
        if (state === LOST) this.#state[n & MASK] = 0;
      }
    }
    if (newly.length === 0) return;
    this.#largestAcked = Math.max(this.#largestAcked, ack.largest);
    if (newly.at(-1) === ack.largest) {
      this.#sampleRtt(now - this.#sentAt[ack.largest & MASK]!, Math.min(ack.delayUs, MAX_ACK_DELAY_US));
      this.congestion.onRoundTrip(this.latestRttUs, this.minRttUs, now);
    }
    const priorInFlight = this.#inFlight;
    for (const n of newly) {
      this.#state[n & MASK] = 0;
      this.#inFlight--;
    }
    this.#detectLoss(now);
    for (const n of newly) this.congestion.onAcked(n, priorInFlight);
    this.#backoff = 1;
    this.#armProbe(now);
  }

  #sampleRtt(rttUs: number, delayUs: number): void {
    this.minRttUs = Math.min(this.minRttUs, rttUs);
    this.receiver.minRttUs = this.minRttUs;
    this.latestRttUs = rttUs - this.minRttUs >= delayUs ? rttUs - delayUs : rttUs;
    if (this.smoothedRttUs === 0) {
      this.smoothedRttUs = this.latestRttUs;
      this.#rttVarUs = this.latestRttUs / 2;
    }
    this.#rttVarUs += (Math.abs(this.smoothedRttUs - this.latestRttUs) - this.#rttVarUs) / 4;
    this.smoothedRttUs += (this.latestRttUs - this.smoothedRttUs) / 8;
  }

  #detectLoss(now: number): void {
    this.#lossAt = Number.POSITIVE_INFINITY;
    const delayUs = Math.max(GRANULARITY_US, TIME_THRESHOLD * Math.max(this.latestRttUs, this.smoothedRttUs));
    for (let n = this.#oldest; n < this.#largestAcked; n++) {
      if (this.#state[n & MASK] !== SENT) {
        if (n === this.#oldest && this.#state[n & MASK] === 0) this.#oldest++;
        continue;
      }
      const isLost = n <= this.#largestAcked - PACKET_THRESHOLD || this.#sentAt[n & MASK]! <= now - delayUs;
      if (!isLost) {
        this.#lossAt = Math.min(this.#lossAt, this.#sentAt[n & MASK]! + delayUs);
        continue;
      }
      this.#state[n & MASK] = LOST;
      this.#inFlight--;
      this.lostPackets++;
      this.congestion.onLost(n, now);
    }
    // What was declared lost long ago does not come any more.
    while (this.#state[this.#oldest & MASK] === LOST && this.#sentAt[this.#oldest & MASK]! < now - 1e6) this.#oldest++;
  }

  #onProbeTimeout(now: number): void {
    this.probeTimeouts++;
    this.#backoff *= 2;
    this.#probes = PROBES;
    this.#armProbe(now);
  }

  #armProbe(now: number): void {
    const periodUs = this.smoothedRttUs + Math.max(GRANULARITY_US, 4 * this.#rttVarUs) + MAX_ACK_DELAY_US;
    this.#probeAt = this.#inFlight > 0 ? now + this.#backoff * (periodUs || 200_000) : Number.POSITIVE_INFINITY;
  }

  #fill(now: number): void {
    if (!this.#isOpen || now >= this.#options.stopAt) return;
    for (; this.#probes > 0; this.#probes--) this.#transmit(now);
    while (this.#canSend() && this.#budgetFor(now) >= 1) this.#transmit(now);
  }

  #canSend(): boolean {
    if (this.#largestAcked < 0) return this.sentPackets < HANDSHAKE_PACKETS;
    return this.#inFlight < Math.floor(this.congestion.windowPackets);
  }

  /** Packets per µs; before the first round trip is known nothing is paced. */
  #rate(): number {
    return (PACING_GAIN * this.congestion.windowPackets) / this.smoothedRttUs;
  }

  #budgetFor(now: number): number {
    if (this.smoothedRttUs === 0) return PACER_BURST_PACKETS;
    const rate = this.#rate();
    const most = Math.max(PACER_BURST_PACKETS, PACER_BURST_US * rate);
    return Math.min(most, this.#budget + rate * (now - this.#budgetAt));
  }

  #transmit(now: number): void {
    this.#budget = Math.max(0, this.#budgetFor(now) - 1);
    this.#budgetAt = now;
    const number = this.sentPackets;
    this.#state[number & MASK] = SENT;
    this.#sentAt[number & MASK] = now;
    this.#inFlight++;
    this.congestion.onSent(number);
    this.#sender.sendInner(this.packetBytes, now, this.#write);
    this.sentPackets++;
    if (this.#probeAt === Number.POSITIVE_INFINITY) this.#armProbe(now);
  }

  #rearm(now: number): void {
    this.nextAt = Math.min(this.#lossAt, this.#probeAt, this.receiver.ackAt, this.#sendAt(now));
    if (!this.#hasAsked) this.nextAt = this.#options.startAt;
  }

  #sendAt(now: number): number {
    if (!this.#isOpen || !this.#canSend() || now >= this.#options.stopAt) return Number.POSITIVE_INFINITY;
    // One more microsecond, or rounding could make it a moment before.
    return Math.max(now, this.#budgetAt + Math.max(GRANULARITY_US, (1 - this.#budget) / this.#rate() + 1));
  }
}
