import { writeU48 } from "./bytes.ts";

/**
 * Data packet header: 12 bytes, big-endian. Normative text: docs/protocol.md §3.
 *   0 version, epoch and kind u8 | 1 path u8 | 2 session u32 | 6 packet number u48
 * The header is the AEAD nonce. 48 bits last 8.9 years at a million packets per second.
 */
export const DATA_HEADER = { KIND: 0, PATH: 1, SESSION: 2, PACKET_NUMBER: 6, LENGTH: 12 } as const;

// From the specification.
export const VERSION = 1;
export const KIND_DATA = 1;
export const KIND_FRAMES = 2;
export const KIND_PARITY = 3;
export const TAG_BYTES = 16;
/** Header and tag: a shorter datagram cannot be ours. */
export const SEAL_BYTES = DATA_HEADER.LENGTH + TAG_BYTES;

/** The first octet holds version (2 bits), epoch mod 4 (2 bits) and kind (4 bits). */
export function versionOf(octet: number): number {
  return octet >>> 6;
}

export function epochOf(octet: number): number {
  return (octet >>> 4) & 3;
}

export function kindOf(octet: number): number {
  return octet & 15;
}

export function writeDataHeader(
  view: DataView,
  offset: number,
  epoch: number,
  kind: number,
  path: number,
  session: number,
  packetNumber: number,
): void {
  view.setUint8(offset + DATA_HEADER.KIND, (VERSION << 6) | ((epoch & 3) << 4) | kind);
  view.setUint8(offset + DATA_HEADER.PATH, path);
  view.setUint32(offset + DATA_HEADER.SESSION, session);
  writeU48(view, offset + DATA_HEADER.PACKET_NUMBER, packetNumber);
}
