import type { Endpoint } from "./endpoint.ts";
import type { Actor } from "./world.ts";

const HEADER_BYTES = 28;
const PAYLOAD_MIN_BYTES = 12;

export interface UdpFlowOptions {
  readonly port: number;
  readonly rateMbit: number;
  /** Inner IP packet. */
  readonly packetBytes: number;
  readonly startAt: number;
  readonly stopAt: number;
  readonly dscp?: number;
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
  /** Longest pause between two deliveries, µs. */
  longestGapUs = 0;
  /** One-way delays of all packets, µs. */
  readonly delaysUs: number[] = [];
  readonly #options: UdpFlowOptions;
  readonly #source: Endpoint;
  readonly #seen = new Set<number>();
  #highest = -1;
  #lastAt = -1;

  constructor(source: Endpoint, options: UdpFlowOptions) {
    this.#source = source;
    this.#options = options;
    this.port = options.port;
    this.nextAt = options.startAt;
  }

  get intervalUs(): number {
    return (this.#options.packetBytes * 8) / this.#options.rateMbit;
  }

  run(now: number): void {
    const { packetBytes, stopAt } = this.#options;
    this.#source.sendInner(packetBytes, now, (view, offset) => this.#write(view, offset, now));
    this.sentPackets++;
    this.nextAt = now + this.intervalUs;
    if (this.nextAt >= stopAt) this.nextAt = Number.POSITIVE_INFINITY;
  }

  receive(view: DataView, offset: number, length: number, now: number): void {
    const number = view.getUint32(offset + HEADER_BYTES);
    const sentAt = view.getFloat64(offset + HEADER_BYTES + 4);
    if (length !== this.#options.packetBytes || !isIntact(view, offset, length, number)) this.corruptPackets++;
    if (this.#seen.has(number)) this.duplicatePackets++;
    this.#seen.add(number);
    if (number < this.#highest) this.reorderedPackets++;
    this.#highest = Math.max(this.#highest, number);
    if (this.#lastAt >= 0) this.longestGapUs = Math.max(this.longestGapUs, now - this.#lastAt);
    this.#lastAt = now;
    this.receivedPackets++;
    this.receivedBytes += length;
    this.delaysUs.push(now - sentAt);
  }

  #write(view: DataView, offset: number, now: number): void {
    const { packetBytes, port, dscp = 0 } = this.#options;
    writeUdpHeaders(view, offset, packetBytes, port, dscp);
    view.setUint32(offset + HEADER_BYTES, this.sentPackets);
    view.setFloat64(offset + HEADER_BYTES + 4, now);
    for (let i = HEADER_BYTES + PAYLOAD_MIN_BYTES; i < packetBytes; i++) {
      view.setUint8(offset + i, patternAt(this.sentPackets, i));
    }
  }
}

function isIntact(view: DataView, offset: number, length: number, number: number): boolean {
  for (let i = HEADER_BYTES + PAYLOAD_MIN_BYTES; i < length; i++) {
    if (view.getUint8(offset + i) !== patternAt(number, i)) return false;
  }
  return true;
}

function patternAt(number: number, position: number): number {
  return (number * 7 + position * 13) & 0xff;
}

/** IPv4 and UDP headers; source and destination ports are both `port`. */
function writeUdpHeaders(view: DataView, offset: number, length: number, port: number, dscp: number): void {
  view.setUint8(offset, 0x45);
  view.setUint8(offset + 1, dscp << 2);
  view.setUint16(offset + 2, length);
  view.setUint32(offset + 4, 0);
  view.setUint8(offset + 8, 64);
  view.setUint8(offset + 9, 17);
  view.setUint16(offset + 10, 0);
  view.setUint32(offset + 12, 0x0a63_0001);
  view.setUint32(offset + 16, 0x0a63_0002);
  view.setUint16(offset + 20, port);
  view.setUint16(offset + 22, port);
  view.setUint16(offset + 24, length - 20);
  view.setUint16(offset + 26, 0);
}
