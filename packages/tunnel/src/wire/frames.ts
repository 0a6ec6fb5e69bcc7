import { DOUBLE_ZERO } from "../types.ts";
import { readU24, readU48, writeU24, writeU48 } from "./bytes.ts";

/** Frame types of a FRAMES plaintext. Normative text: docs/protocol.md §6. */
export const FRAME_PADDING = 0;
export const FRAME_PING = 1;
export const FRAME_ACK = 2;
export const FRAME_PATH_STATUS = 3;

/** ACK: fixed part, then `RANGES` pairs of received u16 and missing u16, from the largest packet number downwards. */
export const ACK_FRAME = {
  TYPE: 0,
  PATH: 1,
  LARGEST: 2,
  DELAY: 8,
  RECEIVED_AT: 11,
  BYTES: 17,
  RANGES: 23,
  LENGTH: 24,
  RANGE_LENGTH: 4,
} as const;

export const PATH_STATUS_FRAME = { TYPE: 0, PATH: 1, STATUS: 2, LENGTH: 3 } as const;
export const STATUS_STALLED = 1;

const U24_MAX = 0xff_ffff;

/** One decoded ACK, overwritten by the next. The ranges stay in the datagram, at `rangesOffset`. */
export class AckFrame {
  path = 0;
  largest = 0;
  delayUs = 0.5;
  /** Receiver's clock, µs modulo 2^48. */
  receivedAt = DOUBLE_ZERO;
  bytesReceived = DOUBLE_ZERO;
  rangeCount = 0;
  rangesOffset = 0;

  /** Returns the frame's length, or 0 if it does not fit into `limit`. */
  decode(view: DataView, offset: number, limit: number): number {
    if (offset + ACK_FRAME.LENGTH > limit) return 0;
    this.rangeCount = view.getUint8(offset + ACK_FRAME.RANGES);
    const length = ACK_FRAME.LENGTH + this.rangeCount * ACK_FRAME.RANGE_LENGTH;
    if (offset + length > limit) return 0;
    this.path = view.getUint8(offset + ACK_FRAME.PATH);
    this.largest = readU48(view, offset + ACK_FRAME.LARGEST);
    this.delayUs = readU24(view, offset + ACK_FRAME.DELAY);
    this.receivedAt = readU48(view, offset + ACK_FRAME.RECEIVED_AT);
    this.bytesReceived = readU48(view, offset + ACK_FRAME.BYTES);
    this.rangesOffset = offset + ACK_FRAME.LENGTH;
    return length;
  }
}

/** Whether the ranges of an ACK cover a packet number. */
export function acknowledges(view: DataView, ack: AckFrame, packetNumber: number): boolean {
  let upper = ack.largest;
  let at = ack.rangesOffset;
  for (let range = 0; range < ack.rangeCount && packetNumber <= upper; range++) {
    const below = upper - view.getUint16(at);
    if (packetNumber > below) return true;
    upper = below - view.getUint16(at + 2);
    at += ACK_FRAME.RANGE_LENGTH;
  }
  return false;
}

/** Writes the fixed part of an ACK; the ranges follow at `offset + ACK_FRAME.LENGTH`. */
export function writeAckFrame(
  view: DataView,
  offset: number,
  path: number,
  largest: number,
  delayUs: number,
  receivedAt: number,
  bytesReceived: number,
  rangeCount: number,
): void {
  view.setUint8(offset + ACK_FRAME.TYPE, FRAME_ACK);
  view.setUint8(offset + ACK_FRAME.PATH, path);
  writeU48(view, offset + ACK_FRAME.LARGEST, largest);
  writeU24(view, offset + ACK_FRAME.DELAY, Math.min(U24_MAX, delayUs));
  writeU48(view, offset + ACK_FRAME.RECEIVED_AT, receivedAt);
  writeU48(view, offset + ACK_FRAME.BYTES, bytesReceived);
  view.setUint8(offset + ACK_FRAME.RANGES, rangeCount);
}

export function writePathStatusFrame(view: DataView, offset: number, path: number, status: number): number {
  view.setUint8(offset + PATH_STATUS_FRAME.TYPE, FRAME_PATH_STATUS);
  view.setUint8(offset + PATH_STATUS_FRAME.PATH, path);
  view.setUint8(offset + PATH_STATUS_FRAME.STATUS, status);
  return PATH_STATUS_FRAME.LENGTH;
}
