/**
 * Address records: what a UDP socket needs to answer a datagram, as 64 opaque bytes. Equal bytes mean the same path end.
 *   0 sockaddr_in or sockaddr_in6, zero-padded to 28 | 28 its length u32 | 32 family of the local address u32 (0: none)
 *   36 in_pktinfo or in6_pktinfo, zero-padded to 20 | 56 zero
 * The packet info's interface index stays 0, so that the routing table, not the past, chooses the interface.
 */

import { isIP } from "node:net";

export const ADDRESS_RECORD = {
  SOCKADDR: 0,
  SOCKADDR_LENGTH: 28,
  LOCAL_FAMILY: 32,
  LOCAL: 36,
  LENGTH: 64,
} as const;

/** Address families and sizes, linux/socket.h. */
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCKADDR_IN_LENGTH = 16;
export const SOCKADDR_IN6_LENGTH = 28;
/** struct in_pktinfo: 0 interface u32 | 4 local (routing) address | 8 header's destination address */
export const PKTINFO4 = { LOCAL: 4, DESTINATION: 8, LENGTH: 12 } as const;
/** struct in6_pktinfo: 0 address | 16 interface u32 */
export const PKTINFO6 = { ADDRESS: 0, LENGTH: 20 } as const;

/** The record of a remote address, without a local one. Works on sockets of its family and on dual-stack sockets. */
export function encodeAddress(host: string, port: number): Uint8Array {
  const record = new Uint8Array(ADDRESS_RECORD.LENGTH);
  const view = new DataView(record.buffer);
  const length = writeSockaddr(view, host, port);
  view.setUint32(ADDRESS_RECORD.SOCKADDR_LENGTH, length, true);
  return record;
}

/** "192.0.2.1:8443" or "[2001:db8::1]:8443"; a mapped IPv4 address is shown as IPv4. */
export function formatAddress(record: Uint8Array): string {
  const { host, port } = decodeAddress(record);
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Host and port of a record; a mapped IPv4 address comes back as IPv4. */
export function decodeAddress(record: Uint8Array): { readonly host: string; readonly port: number } {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const port = view.getUint16(2);
  if (view.getUint16(0, true) === AF_INET) return { host: formatIpv4(record, 4), port };
  const host = isMapped(record, 8) ? formatIpv4(record, 20) : formatIpv6(record, 8);
  const scope = view.getUint32(24, true);
  return { host: scope === 0 ? host : `${host}%${scope}`, port };
}

/** Writes a sockaddr at the view's start. Returns its length. A link-local address takes its interface index after "%". */
export function writeSockaddr(view: DataView, host: string, port: number): number {
  const [address = "", scope = "0"] = host.split("%");
  const family = isIP(address);
  if (family === 0) throw new TypeError(`"${host}" is no IP address`);
  view.setUint16(2, port);
  if (family === 4) {
    view.setUint16(0, AF_INET, true);
    parseIpv4(address).forEach((byte, index) => {
      view.setUint8(4 + index, byte);
    });
    return SOCKADDR_IN_LENGTH;
  }
  view.setUint16(0, AF_INET6, true);
  parseIpv6(address).forEach((group, index) => {
    view.setUint16(8 + 2 * index, group);
  });
  view.setUint32(24, Number(scope), true);
  return SOCKADDR_IN6_LENGTH;
}

/** Dotted notation of 4 bytes. */
export function formatIpv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/** Canonical text of 16 bytes, RFC 5952. */
export function formatIpv6(bytes: Uint8Array, offset: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[offset + 2 * i]! << 8) | bytes[offset + 2 * i + 1]!);
  const run = longestZeroRun(groups);
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (run.length < 2) return hex(groups);
  return `${hex(groups.slice(0, run.start))}::${hex(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - start > best.length) best = { start, length: end - start };
  }
  return best;
}

function isMapped(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

function parseIpv4(text: string): number[] {
  return text.split(".").map(Number);
}

/** Eight groups. The text was checked by isIP. */
function parseIpv6(text: string): number[] {
  const dotted = /[0-9.]+\.[0-9.]+$/.exec(text)?.[0];
  if (dotted !== undefined) {
    const [a = 0, b = 0, c = 0, d = 0] = parseIpv4(dotted);
    const tail = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    return parseIpv6(text.slice(0, -dotted.length) + tail);
  }
  const [head = "", tail] = text.split("::");
  const parse = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return parse(head);
  const left = parse(head);
  const right = parse(tail);
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}
