/** Just enough of TCP over IPv4 for the simulator: real headers, so that the bond sees what it would see in production. */

const IP_BYTES = 20;
const TCP_BYTES = 20;
/** NOP, NOP, timestamps. */
const TIMESTAMP_BYTES = 12;
/** MSS, SACK permitted, window scale, and NOPs. */
const SYN_OPTION_BYTES = 12;
export const TCP_HEADER_BYTES = IP_BYTES + TCP_BYTES + TIMESTAMP_BYTES;
const SACK_BLOCKS_MAX = 3;
const MSS = 1_460;

export const FLAG_FIN = 0x01;
export const FLAG_SYN = 0x02;
export const FLAG_PSH = 0x08;
export const FLAG_ACK = 0x10;

/** One segment, decoded. Reused. Numbers are absolute (unwrapped) byte offsets of the stream. */
export class Segment {
  port = 0;
  sequence = 0;
  acknowledgement = 0;
  flags = 0;
  /** As in the header: in units of the scale that the handshake agreed on. */
  window = 0xffff;
  /** The option of a SYN; RFC 7323 §2.2. */
  windowScale = 0;
  payloadBytes = 0;
  isCongestionMarked = false;
  /** Timestamp and echo, in µs of virtual time modulo 2^32. */
  timestamp = 0;
  echo = 0;
  /** Counts what the sender transmits, retransmissions too; the first bytes of the payload. */
  transmission = 0;
  /** SACK blocks: start and end pairs. */
  readonly sacks: number[] = [];
}

export function segmentBytes(segment: Segment): number {
  return IP_BYTES + TCP_BYTES + optionBytes(segment) + segment.payloadBytes;
}

function optionBytes(segment: Segment): number {
  const blocks = sackBlocks(segment);
  const synBytes = (segment.flags & FLAG_SYN) === 0 ? 0 : SYN_OPTION_BYTES;
  return TIMESTAMP_BYTES + synBytes + (blocks > 0 ? 4 + blocks * 8 : 0);
}

function sackBlocks(segment: Segment): number {
  return Math.min(SACK_BLOCKS_MAX, segment.sacks.length / 2);
}

export function writeSegment(view: DataView, offset: number, segment: Segment, isForward: boolean): void {
  const blocks = sackBlocks(segment);
  const length = segmentBytes(segment);
  writeIp(view, offset, length, isForward);
  const tcp = offset + IP_BYTES;
  view.setUint16(tcp, isForward ? segment.port : 443);
  view.setUint16(tcp + 2, isForward ? 443 : segment.port);
  view.setUint32(tcp + 4, segment.sequence);
  view.setUint32(tcp + 8, segment.acknowledgement);
  view.setUint8(tcp + 12, ((TCP_BYTES + optionBytes(segment)) / 4) << 4);
  view.setUint8(tcp + 13, segment.flags);
  view.setUint16(tcp + 14, segment.window);
  view.setUint32(tcp + 16, 0);
  const options = tcp + TCP_BYTES;
  view.setUint32(options, 0x0101_080a);
  view.setUint32(options + 4, segment.timestamp);
  view.setUint32(options + 8, segment.echo);
  if (segment.payloadBytes > 0) view.setUint32(offset + length - segment.payloadBytes, segment.transmission);
  if ((segment.flags & FLAG_SYN) !== 0) writeSynOptions(view, options + TIMESTAMP_BYTES, segment.windowScale);
  if (blocks === 0) return;
  view.setUint32(options + 12, 0x0101_0500 + 2 + blocks * 8);
  for (let i = 0; i < blocks * 2; i++) view.setUint32(options + 16 + i * 4, segment.sacks[i]!);
}

/** `base` is a recent absolute offset near which the 32-bit numbers of sequence, acknowledgement and SACK blocks lie. */
export function readSegment(
  view: DataView,
  offset: number,
  length: number,
  base: number,
  isForward: boolean,
  into: Segment,
): void {
  const tcp = offset + IP_BYTES;
  const headerBytes = (view.getUint8(tcp + 12) >>> 4) * 4;
  into.port = view.getUint16(isForward ? tcp : tcp + 2);
  into.sequence = unwrap(view.getUint32(tcp + 4), base);
  into.acknowledgement = unwrap(view.getUint32(tcp + 8), base);
  into.flags = view.getUint8(tcp + 13);
  into.window = view.getUint16(tcp + 14);
  into.payloadBytes = length - IP_BYTES - headerBytes;
  into.isCongestionMarked = (view.getUint8(offset + 1) & 3) === 3;
  into.timestamp = view.getUint32(tcp + 24);
  into.echo = view.getUint32(tcp + 28);
  into.transmission = into.payloadBytes > 0 ? view.getUint32(tcp + headerBytes) : 0;
  into.sacks.length = 0;
  if ((into.flags & FLAG_SYN) !== 0) {
    into.windowScale = view.getUint8(tcp + TCP_BYTES + TIMESTAMP_BYTES + 8);
    return;
  }
  for (let at = tcp + TCP_BYTES + TIMESTAMP_BYTES + 4; at + 8 <= tcp + headerBytes; at += 8) {
    into.sacks.push(unwrap(view.getUint32(at), base), unwrap(view.getUint32(at + 4), base));
  }
}

function writeSynOptions(view: DataView, offset: number, windowScale: number): void {
  view.setUint32(offset, 0x0204_0000 + MSS);
  view.setUint32(offset + 4, 0x0402_0303);
  view.setUint32(offset + 8, (windowScale << 24) + 0x01_0101);
}

/** The absolute number nearest to `base` whose low 32 bits are `low`. */
function unwrap(low: number, base: number): number {
  const difference = (low - (base >>> 0)) | 0;
  return base + difference;
}

function writeIp(view: DataView, offset: number, length: number, isForward: boolean): void {
  view.setUint32(offset, 0x4500_0000 + length);
  view.setUint32(offset + 4, 0x0000_4000);
  view.setUint32(offset + 8, 0x4006_0000);
  view.setUint32(offset + 12, isForward ? 0x0a63_0001 : 0x0a63_0002);
  view.setUint32(offset + 16, isForward ? 0x0a63_0002 : 0x0a63_0001);
}
