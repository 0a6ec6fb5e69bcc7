import { DOUBLE_ZERO } from "../types.ts";
import { readU24, readU48, writeU24, writeU48 } from "./bytes.ts";

/** Frame types of a FRAMES plaintext. Normative text: docs/protocol.md §6. */
export const FRAME_PADDING = 0;
export const FRAME_PING = 1;
export const FRAME_ACK = 2;
export const FRAME_PATH_STATUS = 3;

/** ACK: fixed part, then `RANGES` pairs of a run that was received and one that is missing, from the largest packet number downwards. */
export const ACK_FRAME = {
  TYPE: 0,
  PATH: 1,
  LARGEST: 2,
  DELAY: 8,
  RECEIVED_AT: 11,
  BYTES: 17,
  RANGES: 23,
  LENGTH: 24,
} as const;

/** A run of packet numbers is one byte up to this length, and else a u16 with the top bit set. */
export const SHORT_RUN_MAX = 0x7f;
const LONG_RUN = 0x8000;

export const PATH_STATUS_FRAME = { TYPE: 0, PATH: 1, STATUS: 2, LENGTH: 3 } as const;
export const STATUS_STALLED = 1;

const U24_MAX = 0xff_ffff;
/** Of one ACK: the range count is one byte. */
const RANGES_MAX = 0xff;

/** One decoded ACK, overwritten by the next. */
export class AckFrame {
  path = 0;
  largest = 0;
  delayUs = 0.5;
  /** Receiver's clock, µs modulo 2^48. */
  receivedAt = DOUBLE_ZERO;
  bytesReceived = DOUBLE_ZERO;
  rangeCount = 0;
  /** Lengths from the largest packet number downwards, received and missing in turn: two of each range. */
  readonly runs = new Uint16Array(2 * RANGES_MAX);

  /** Returns the frame's length, or 0 if it does not fit into `limit`. */
  decode(view: DataView, offset: number, limit: number): number {
    if (offset + ACK_FRAME.LENGTH > limit) return 0;
    this.path = view.getUint8(offset + ACK_FRAME.PATH);
    this.largest = readU48(view, offset + ACK_FRAME.LARGEST);
    this.delayUs = readU24(view, offset + ACK_FRAME.DELAY);
    this.receivedAt = readU48(view, offset + ACK_FRAME.RECEIVED_AT);
    this.bytesReceived = readU48(view, offset + ACK_FRAME.BYTES);
    this.rangeCount = view.getUint8(offset + ACK_FRAME.RANGES);
    const rangesBytes = this.#decodeRuns(view, offset + ACK_FRAME.LENGTH, limit);
    return rangesBytes < 0 ? 0 : ACK_FRAME.LENGTH + rangesBytes;
  }

  /** Whether the ranges cover a packet number. */
  acknowledges(packetNumber: number): boolean {
    let upper = this.largest;
    for (let range = 0; range < this.rangeCount && packetNumber <= upper; range++) {
      const below = upper - this.runs[2 * range]!;
      if (packetNumber > below) return true;
      upper = below - this.runs[2 * range + 1]!;
    }
    return false;
  }

  /** Returns the bytes that the runs take, -1 if they do not fit into `limit`. */
  #decodeRuns(view: DataView, offset: number, limit: number): number {
    let at = offset;
    for (let i = 0; i < 2 * this.rangeCount; i++) {
      if (at >= limit) return -1;
      let length = view.getUint8(at++);
      if (length > SHORT_RUN_MAX) {
        if (at >= limit) return -1;
        length = (length & SHORT_RUN_MAX) * 256 + view.getUint8(at++);
      }
      this.runs[i] = length;
    }
    return at - offset;
  }
}

/** Writes the length of a run, at most 32,767. Returns the bytes it takes. */
export function writeRun(view: DataView, offset: number, length: number): number {
  if (length <= SHORT_RUN_MAX) {
    view.setUint8(offset, length);
    return 1;
  }
  view.setUint16(offset, LONG_RUN | length);
  return 2;
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
