/** Just enough of TCP over IPv4 for the simulator: real headers, so that the bond sees what it would see in production. */

const IP_BYTES = 20;
const TCP_BYTES = 20;
/** NOP, NOP, timestamps. */
const TIMESTAMP_BYTES = 12;
export const TCP_HEADER_BYTES = IP_BYTES + TCP_BYTES + TIMESTAMP_BYTES;
const SACK_BLOCKS_MAX = 3;

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

export function segmentBytes(payloadBytes: number, sackBlocks: number): number {
  return TCP_HEADER_BYTES + payloadBytes + (sackBlocks > 0 ? 4 + sackBlocks * 8 : 0);
}

export function writeSegment(view: DataView, offset: number, segment: Segment, isForward: boolean): void {
  const blocks = Math.min(SACK_BLOCKS_MAX, segment.sacks.length / 2);
  const length = segmentBytes(segment.payloadBytes, blocks);
  writeIp(view, offset, length, isForward);
  const tcp = offset + IP_BYTES;
  const optionBytes = TIMESTAMP_BYTES + (blocks > 0 ? 4 + blocks * 8 : 0);
  view.setUint16(tcp, isForward ? segment.port : 443);
  view.setUint16(tcp + 2, isForward ? 443 : segment.port);
  view.setUint32(tcp + 4, segment.sequence);
  view.setUint32(tcp + 8, segment.acknowledgement);
  view.setUint8(tcp + 12, ((TCP_BYTES + optionBytes) / 4) << 4);
  view.setUint8(tcp + 13, segment.flags);
  view.setUint16(tcp + 14, 0xffff);
  view.setUint32(tcp + 16, 0);
  const options = tcp + TCP_BYTES;
  view.setUint32(options, 0x0101_080a);
  view.setUint32(options + 4, segment.timestamp);
  view.setUint32(options + 8, segment.echo);
  if (segment.payloadBytes > 0) view.setUint32(offset + length - segment.payloadBytes, segment.transmission);
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
  into.payloadBytes = length - IP_BYTES - headerBytes;
  into.isCongestionMarked = (view.getUint8(offset + 1) & 3) === 3;
  into.timestamp = view.getUint32(tcp + 24);
  into.echo = view.getUint32(tcp + 28);
  into.transmission = into.payloadBytes > 0 ? view.getUint32(tcp + headerBytes) : 0;
  into.sacks.length = 0;
  for (let at = tcp + TCP_BYTES + TIMESTAMP_BYTES + 4; at + 8 <= tcp + headerBytes; at += 8) {
    into.sacks.push(unwrap(view.getUint32(at), base), unwrap(view.getUint32(at + 4), base));
  }
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
