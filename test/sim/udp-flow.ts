import type { Endpoint } from "./endpoint.ts";
import { NumberSet } from "./number-set.ts";
import { PauseWatch } from "./pause-watch.ts";
import type { Actor } from "./world.ts";

const HEADER_BYTES = 28;
const NUMBER = HEADER_BYTES;
const SENT_AT = HEADER_BYTES + 4;
const PATTERN = HEADER_BYTES + 12;
const UDP = 17;
const URGENT_DSCP = 40;
const UNORDERED_MAX_BYTES = 1_000;

export interface UdpFlowOptions {
  readonly port: number;
  /** While it talks. */
  readonly rateMbit: number;
  /** Inner IP packet, at least 40. */
  readonly packetBytes: number;
  readonly startAt: number;
  readonly stopAt: number;
  readonly dscp?: number;
  /** IP protocol number; 1 (ICMP) is carried without order. Default UDP. */
  readonly protocol?: number;
  /** Talks and rests in turn. */
  readonly onOff?: { readonly onUs: number; readonly offUs: number };
}

/** Constant-rate UDP with numbered packets, and the books of its receiver. */
export class UdpFlow implements Actor {
  nextAt: number;
  readonly port: number;
  sentPackets = 0;
  receivedPackets = 0;
  receivedBytes = 0;
  reorderedPackets = 0;
  duplicatePackets = 0;
  corruptPackets = 0;
  /** One-way delays of all packets, µs. */
  readonly delaysUs: number[] = [];
  readonly pauses = new PauseWatch();
  readonly #options: UdpFlowOptions;
  readonly #source: Endpoint;
  readonly #seen = new NumberSet();
  readonly #fill: (view: DataView, offset: number) => void;
  #arena: Buffer | undefined = undefined;
  #highest = -1;

  constructor(source: Endpoint, options: UdpFlowOptions) {
    this.#source = source;
    this.#options = options;
    this.port = options.port;
    this.nextAt = options.startAt;
    this.#fill = (view, offset) => this.#write(view, offset);
  }

  get options(): UdpFlowOptions {
    return this.#options;
  }

  /** The bond keeps no order among pings, nor among small datagrams that ask for urgency (docs/protocol.md §5). */
  get isOrdered(): boolean {
    const { protocol = UDP, dscp = 0, packetBytes } = this.#options;
    return protocol === UDP && (dscp < URGENT_DSCP || packetBytes > UNORDERED_MAX_BYTES);
  }

  get intervalUs(): number {
    return (this.#options.packetBytes * 8) / this.#options.rateMbit;
  }

  run(now: number): void {
    const { packetBytes, stopAt } = this.#options;
    this.#source.sendInner(packetBytes, now, this.#fill);
    this.sentPackets++;
    this.nextAt = this.#talkAt(now + this.intervalUs);
    if (this.nextAt >= stopAt) this.nextAt = Number.POSITIVE_INFINITY;
  }

  receive(view: DataView, offset: number, length: number, now: number): void {
    const number = view.getUint32(offset + NUMBER);
    const sentAt = view.getFloat64(offset + SENT_AT);
    if (length !== this.#options.packetBytes || !this.#isIntact(view, offset, length, number)) this.corruptPackets++;
    if (!this.#seen.add(number)) this.duplicatePackets++;
    if (number < this.#highest) this.reorderedPackets++;
    this.#highest = Math.max(this.#highest, number);
    this.pauses.note(sentAt, now);
    this.receivedPackets++;
    this.receivedBytes += length;
    this.delaysUs.push(now - sentAt);
  }

  /** Packets from this number on that have been sent and did not arrive. */
  missingFrom(first: number): number {
    let missing = 0;
    for (let n = first; n < this.sentPackets; n++) if (!this.#seen.has(n)) missing++;
    return missing;
  }

  #talkAt(at: number): number {
    const { startAt, onOff } = this.#options;
    if (onOff === undefined) return at;
    const cycleUs = onOff.onUs + onOff.offUs;
    const phaseUs = (at - startAt) % cycleUs;
    return phaseUs < onOff.onUs ? at : at - phaseUs + cycleUs;
  }

  #write(view: DataView, offset: number): void {
    const { packetBytes, port, dscp = 0, protocol = UDP } = this.#options;
    writeHeaders(view, offset, packetBytes, port, dscp, protocol);
    view.setUint32(offset + NUMBER, this.sentPackets);
    view.setFloat64(offset + SENT_AT, this.nextAt);
    const start = patternStart(this.sentPackets);
    PATTERN_BYTES.copy(this.#bytes(view), offset + PATTERN, start, start + packetBytes - PATTERN);
  }

  #isIntact(view: DataView, offset: number, length: number, number: number): boolean {
    const start = patternStart(number);
    const patternEnd = start + length - PATTERN;
    return this.#bytes(view).compare(PATTERN_BYTES, start, patternEnd, offset + PATTERN, offset + length) === 0;
  }

  #bytes(view: DataView): Buffer {
    this.#arena ??= Buffer.from(view.buffer as ArrayBuffer);
    return this.#arena;
  }
}

/** Every packet carries a piece of this that begins elsewhere. */
const PATTERN_BYTES = Buffer.from(Uint8Array.from({ length: 4_096 }, (_, i) => (i * 13 + (i >>> 8) * 101) & 0xff));

function patternStart(number: number): number {
  return (number * 99) & 2_047;
}

/** IPv4 and UDP headers; source and destination ports are both `port`. */
function writeHeaders(
  view: DataView,
  offset: number,
  length: number,
  port: number,
  dscp: number,
  protocol: number,
): void {
  view.setUint32(offset, 0x4500_0000 + (dscp << 18) + length);
  view.setUint32(offset + 4, 0);
  view.setUint32(offset + 8, 0x4000_0000 + (protocol << 16));
  view.setUint32(offset + 12, 0x0a63_0001);
  view.setUint32(offset + 16, 0x0a63_0002);
  view.setUint16(offset + 20, port);
  view.setUint16(offset + 22, port);
  view.setUint16(offset + 24, length - 20);
  view.setUint16(offset + 26, 0);
}
