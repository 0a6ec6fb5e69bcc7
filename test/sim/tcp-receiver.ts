import type { Endpoint } from "./endpoint.ts";
import { PauseWatch } from "./pause-watch.ts";
import { ReceiveWindow } from "./receive-window.ts";
import { FLAG_ACK, FLAG_SYN, readSegment, Segment, segmentBytes, writeSegment } from "./tcp-wire.ts";

const DELAYED_ACK_US = 40_000;
/** Linux acknowledges every segment at first. */
const QUICK_ACKS = 16;
const BUCKET_US = 100_000;
const WINDOW_FIELD_MAX = 0xffff;

export interface TcpReceiverOptions {
  readonly port: number;
  readonly payloadBytes: number;
  /** Largest receive window: at most as much as this may be sent beyond what was acknowledged. */
  readonly windowBytes: number;
  readonly isWindowFixed: boolean;
  /** Bytes after which the transfer is complete. */
  readonly totalBytes: number;
}

/** The receiving host of a TCP connection: delayed acks, SACK, and the books of what came out of the bond. Numbers are segments. */
export class TcpReceiver {
  /** When the delayed ack is due. */
  ackAt = Number.POSITIVE_INFINITY;
  /** Payload bytes delivered in order. */
  deliveredBytes = 0;
  completedAt = 0;
  /** Segments that arrived beyond a hole, and those that had arrived before. */
  outOfOrderPackets = 0;
  duplicatePackets = 0;
  /** Segments that had been sent before one that arrived earlier, or were that one: what TCP must never see of a bond. */
  overtakenPackets = 0;
  readonly pauses = new PauseWatch();
  /** Payload bytes delivered per 100 ms. */
  readonly timeline: number[] = [];

  readonly #endpoint: Endpoint;
  readonly #options: TcpReceiverOptions;
  readonly #segment = new Segment();
  readonly #incoming = new Segment();
  readonly #held = new Set<number>();
  readonly #fill = (view: DataView, offset: number): void => writeSegment(view, offset, this.#segment, false);
  /** RFC 7323 §2: the smallest that can tell the window. */
  readonly #windowScale: number;
  readonly #window: ReceiveWindow;
  #expected = 0;
  #unacked = 0;
  #acks = 0;
  #echo = 0;
  #recentSack = -1;
  #lastTransmission = 0;

  constructor(endpoint: Endpoint, options: TcpReceiverOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#window = new ReceiveWindow(options.windowBytes, options.isWindowFixed);
    this.#windowScale = Math.max(0, Math.ceil(Math.log2(options.windowBytes / WINDOW_FIELD_MAX)));
  }

  receive(view: DataView, offset: number, length: number, now: number): void {
    const segment = this.#incoming;
    const { payloadBytes } = this.#options;
    readSegment(view, offset, length, this.#expected * payloadBytes, true, segment);
    this.#echo = segment.timestamp;
    if ((segment.flags & FLAG_SYN) !== 0) {
      this.#reply(FLAG_SYN | FLAG_ACK, now);
      return;
    }
    const number = Math.round(segment.sequence / payloadBytes);
    if (segment.transmission <= this.#lastTransmission) this.overtakenPackets++;
    else this.#lastTransmission = segment.transmission;
    this.#window.noteEcho(segment.echo, now);
    const ageUs = (Math.floor(now) - segment.timestamp) >>> 0;
    this.pauses.note(now - ageUs, now);
    this.#onData(number, segment.payloadBytes, now);
  }

  sendAck(now: number): void {
    this.#unacked = 0;
    this.ackAt = Number.POSITIVE_INFINITY;
    this.#acks++;
    this.#reply(FLAG_ACK, now);
  }

  #onData(number: number, bytes: number, now: number): void {
    if (number < this.#expected || this.#held.has(number)) {
      this.duplicatePackets++;
      this.sendAck(now);
      return;
    }
    if (number > this.#expected) {
      this.#held.add(number);
      this.outOfOrderPackets++;
      this.#recentSack = number;
      this.sendAck(now);
      return;
    }
    const hadHoles = this.#held.size > 0;
    do this.#advance(bytes, now);
    while (this.#held.delete(this.#expected));
    if (this.deliveredBytes >= this.#options.totalBytes && this.completedAt === 0) this.completedAt = now;
    if (hadHoles || ++this.#unacked >= 2 || this.#acks < QUICK_ACKS) this.sendAck(now);
    else if (this.ackAt === Number.POSITIVE_INFINITY) this.ackAt = now + DELAYED_ACK_US;
  }

  #advance(bytes: number, now: number): void {
    this.#expected++;
    this.deliveredBytes += bytes;
    this.#window.noteRead(bytes, now);
    const bucket = Math.floor(now / BUCKET_US);
    while (this.timeline.length <= bucket) this.timeline.push(0);
    this.timeline[bucket]! += bytes;
  }

  #reply(flags: number, now: number): void {
    const segment = this.#segment;
    segment.port = this.#options.port;
    segment.sequence = 0;
    segment.acknowledgement = this.#expected * this.#options.payloadBytes;
    segment.flags = flags;
    segment.windowScale = this.#windowScale;
    const scale = (flags & FLAG_SYN) === 0 ? this.#windowScale : 0;
    segment.window = Math.min(WINDOW_FIELD_MAX, this.#window.bytes >>> scale);
    segment.payloadBytes = 0;
    segment.timestamp = Math.floor(now) >>> 0;
    segment.echo = this.#echo;
    this.#fillSacks(segment);
    this.#endpoint.sendInner(segmentBytes(segment), now, this.#fill);
  }

  /** The block around the newest out-of-order segment. */
  #fillSacks(segment: Segment): void {
    segment.sacks.length = 0;
    let start = this.#recentSack;
    let end = this.#recentSack + 1;
    if (!this.#held.has(start)) return;
    while (this.#held.has(start - 1)) start--;
    while (this.#held.has(end)) end++;
    segment.sacks.push(start * this.#options.payloadBytes, end * this.#options.payloadBytes);
  }
}
