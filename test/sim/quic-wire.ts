/**
 * QUIC packets of the simulated hosts: an IPv4 and a UDP header, the first bytes that RFC 8999 and RFC 9000 §17 leave in the clear, and in place of the ciphertext what
 * the other host has to know.
 *   28 first byte u8 | 29 version u32, in long headers | 33 packet number u32 | 37 acked largest u32 | 41 ack delay µs u32 | 45 ranges u8, then per range: first u32, last u32
 */
const UDP = 17;
const QUIC = 28;
const LONG_HEADER = 0xc0;
const SHORT_HEADER = 0x40;
const VERSION_1 = 1;
const NUMBER = 33;
const ACK_LARGEST = 37;
const ACK_DELAY = 41;
const ACK_RANGES = 45;
const RANGES = 46;
const RANGE_BYTES = 8;
/** Frame, ciphertext's tag and connection number of a packet that holds nothing but an ack. */
const ACK_EXTRA_BYTES = 12;
export const HANDSHAKE_PACKETS = 3;
/** A client's first datagrams are padded to this (RFC 9000 §14.1). */
export const INITIAL_BYTES = QUIC + 1_200;

export interface Range {
  first: number;
  last: number;
}

export class QuicAck {
  largest = -1;
  delayUs = 0;
  /** From the newest downwards. */
  readonly ranges: Range[] = [];
}

export function isLongHeader(view: DataView, offset: number): boolean {
  return (view.getUint8(offset + QUIC) & 0x80) !== 0;
}

export function packetNumberOf(view: DataView, offset: number): number {
  return view.getUint32(offset + NUMBER);
}

export function ackBytes(ranges: number): number {
  return RANGES + ranges * RANGE_BYTES + ACK_EXTRA_BYTES;
}

export function writeInitial(view: DataView, offset: number, port: number, isFromClient: boolean): void {
  writeHeaders(view, offset, INITIAL_BYTES, port, isFromClient);
  view.setUint8(offset + QUIC, LONG_HEADER);
  view.setUint32(offset + QUIC + 1, VERSION_1);
}

/** The server's first packets belong to the handshake. */
export function writeData(view: DataView, offset: number, length: number, port: number, number: number): void {
  writeHeaders(view, offset, length, port, false);
  view.setUint8(offset + QUIC, number < HANDSHAKE_PACKETS ? LONG_HEADER : SHORT_HEADER);
  view.setUint32(offset + QUIC + 1, VERSION_1);
  view.setUint32(offset + NUMBER, number);
}

export function writeAck(view: DataView, offset: number, port: number, number: number, ack: QuicAck): void {
  writeHeaders(view, offset, ackBytes(ack.ranges.length), port, true);
  view.setUint8(offset + QUIC, SHORT_HEADER);
  view.setUint32(offset + NUMBER, number);
  view.setUint32(offset + ACK_LARGEST, ack.largest);
  view.setUint32(offset + ACK_DELAY, ack.delayUs);
  view.setUint8(offset + ACK_RANGES, ack.ranges.length);
  ack.ranges.forEach(({ first, last }, i) => {
    view.setUint32(offset + RANGES + i * RANGE_BYTES, first);
    view.setUint32(offset + RANGES + i * RANGE_BYTES + 4, last);
  });
}

export function readAck(view: DataView, offset: number, ack: QuicAck): void {
  ack.largest = view.getUint32(offset + ACK_LARGEST);
  ack.delayUs = view.getUint32(offset + ACK_DELAY);
  ack.ranges.length = 0;
  for (let i = 0; i < view.getUint8(offset + ACK_RANGES); i++) {
    const at = offset + RANGES + i * RANGE_BYTES;
    ack.ranges.push({ first: view.getUint32(at), last: view.getUint32(at + 4) });
  }
}

/** Addresses as in a UDP flow; ports tell the client's side. */
function writeHeaders(view: DataView, offset: number, length: number, port: number, isFromClient: boolean): void {
  view.setUint32(offset, 0x4500_0000 + length);
  view.setUint32(offset + 4, 0);
  view.setUint32(offset + 8, 0x4000_0000 + (UDP << 16));
  view.setUint32(offset + 12, isFromClient ? 0x0a63_0002 : 0x0a63_0001);
  view.setUint32(offset + 16, isFromClient ? 0x0a63_0001 : 0x0a63_0002);
  view.setUint16(offset + 20, isFromClient ? port : 443);
  view.setUint16(offset + 22, isFromClient ? 443 : port);
  view.setUint16(offset + 24, length - 20);
  view.setUint16(offset + 26, 0);
}
