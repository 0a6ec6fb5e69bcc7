/** The Internet checksum (RFC 1071). A "sum" is the folded 16-bit one's complement sum, a checksum its complement. */

import { IPV4, IPV6, PacketHeaders, PROTOCOL_UDP, UDP } from "./packet-headers.ts";
import type { Memory } from "./types.ts";

/** Sum of at most 65,535 bytes. */
export function sumBytes(view: DataView, offset: number, length: number): number {
  let sum = 0;
  let at = offset;
  for (const end = offset + (length & ~7); at < end; at += 8) {
    const a = view.getInt32(at, true);
    const b = view.getInt32(at + 4, true);
    sum += (a & 0xffff) + (a >>> 16) + (b & 0xffff) + (b >>> 16);
  }
  for (const end = offset + (length & ~1); at < end; at += 2) sum += view.getUint16(at, true);
  if (length & 1) sum += view.getUint8(at);
  const folded = foldSum(sum);
  return ((folded & 0xff) << 8) | (folded >>> 8);
}

/** Folds carries of a sum below 2^32 into 16 bits. */
export function foldSum(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** Sum of the pseudo header: what a partial checksum's field holds. RFC 9293 §3.1, RFC 8200 §8.1. */
export function pseudoHeaderSum(
  view: DataView,
  offset: number,
  headers: PacketHeaders,
  transportLength: number,
): number {
  const start = offset + (headers.ipv6 ? IPV6.ADDRESSES : IPV4.ADDRESSES);
  let sum = headers.protocol + transportLength;
  const end = start + (headers.ipv6 ? 32 : 8);
  for (let at = start; at < end; at += 2) sum += view.getUint16(at);
  return foldSum(sum);
}

/** Whether the transport checksum of a parsed packet of `length` bytes is right. A UDP packet without one does not count. */
export function verifyChecksum(view: DataView, offset: number, length: number, headers: PacketHeaders): boolean {
  const transport = offset + headers.transport;
  const transportLength = length - headers.transport;
  if (headers.protocol === PROTOCOL_UDP && view.getUint16(transport + headers.checksumOffset) === 0) return false;
  const sum = pseudoHeaderSum(view, offset, headers, transportLength) + sumBytes(view, transport, transportLength);
  return foldSum(sum) === 0xffff;
}

/**
 * Computes the whole transport checksum of a packet that has only a partial one, for devices that can't. Returns false, and leaves
 * the packet alone, where it is not a whole TCP or UDP packet.
 */
export function completeChecksum(memory: Memory, offset: number, length: number): boolean {
  const { view } = memory;
  if (!parsed.parse(view, offset, length)) return false;
  const transportLength = length - parsed.transport;
  const transport = offset + parsed.transport;
  view.setUint16(transport + parsed.checksumOffset, pseudoHeaderSum(view, offset, parsed, transportLength));
  finishChecksum(view, transport, transportLength, parsed.checksumOffset);
  return true;
}

/** Replaces a partial checksum, of whatever protocol, by the whole one. */
export function finishChecksum(view: DataView, start: number, length: number, checksumOffset: number): void {
  const checksum = ~sumBytes(view, start, length) & 0xffff;
  view.setUint16(start + checksumOffset, checksum === 0 && checksumOffset === UDP.CHECKSUM ? NO_ZERO : checksum);
}

/** In UDP, 0 means "no checksum", and its other encoding stands for the sum. RFC 768. */
const NO_ZERO = 0xffff;

const parsed = new PacketHeaders();
