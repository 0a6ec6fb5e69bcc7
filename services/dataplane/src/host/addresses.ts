/** IP addresses and prefixes as bytes. Text forms are those of RFC 5952. */

import { isIP, SocketAddress } from "node:net";

export interface Prefix {
  readonly family: 4 | 6;
  /** The network's address, 4 or 16 bytes, host bits zero. */
  readonly bytes: Uint8Array;
  readonly length: number;
  /** Canonical text, e.g. "10.231.0.0/16". */
  readonly text: string;
}

/** 4 or 16 bytes. Throws RangeError when `text` is no address. */
export function parseAddress(text: string): Uint8Array {
  const family = isIP(text);
  if (family === 4) return Uint8Array.from(text.split("."), Number);
  if (family === 6) return parseIpv6(text);
  throw new RangeError(`"${text}" is not an IP address`);
}

/** Throws RangeError when `text` is not ADDRESS/LENGTH. */
export function parsePrefix(text: string): Prefix {
  const [address = "", lengthText = "", ...rest] = text.split("/");
  const bytes = parseAddress(address);
  const length = Number(lengthText);
  if (rest.length > 0 || !/^\d+$/.test(lengthText) || length > bytes.length * 8) {
    throw new RangeError(`"${text}" is not a prefix such as 10.0.0.0/8`);
  }
  for (let bit = length; bit < bytes.length * 8; bit++) bytes[bit >> 3]! &= ~(0x80 >> (bit & 7));
  const family = bytes.length === 4 ? 4 : 6;
  return { family, bytes, length, text: `${family === 4 ? formatIpv4(bytes) : formatIpv6(bytes)}/${length}` };
}

export function formatIpv4(bytes: Uint8Array): string {
  return bytes.join(".");
}

export function formatIpv6(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(i * 2).toString(16));
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}

/** Strips the zone and turns a v4-mapped address into plain IPv4, as sockets of both families report remote addresses. */
export function plainAddress(text: string): string {
  const address = text.replace(/%.*$/, "");
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

function parseIpv6(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const [head = "", tail] = text.replace(/%.*$/, "").split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  before.forEach((group, i) => {
    view.setUint16(i * 2, group);
  });
  after.forEach((group, i) => {
    view.setUint16(16 - (after.length - i) * 2, group);
  });
  return bytes;
}

function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a, b, c, d] = group.split(".").map(Number) as [number, number, number, number];
    return [(a << 8) | b, (c << 8) | d];
  });
}
