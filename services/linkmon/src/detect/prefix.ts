/** The little arithmetic on IP addresses that link detection and source routing need. Addresses are canonical text. */
import { isIPv4, isIPv6, SocketAddress } from "node:net";

/** The canonical text of an address (RFC 5952 for IPv6), or undefined where it is none. */
export function canonicalAddress(address: string): string | undefined {
  if (isIPv4(address)) return address;
  return isIPv6(address) ? new SocketAddress({ address, family: "ipv6" }).address : undefined;
}

/** `10.0.0.7`, 24 → `10.0.0.0/24`. The address must be valid and of the family that the length fits. */
export function networkOf(address: string, prefixLength: number): string {
  const bytes = addressBytes(address);
  for (let i = 0; i < bytes.length; i++) bytes[i]! &= byteMask(prefixLength, i);
  return `${addressText(bytes)}/${prefixLength}`;
}

/** Whether `address` lies in the network that `member`/`prefixLength` spans. False across families. */
export function sharesNetwork(address: string, member: string, prefixLength: number): boolean {
  const a = addressBytes(address);
  const b = addressBytes(member);
  if (a.length !== b.length) return false;
  return a.every((byte, i) => ((byte ^ b[i]!) & byteMask(prefixLength, i)) === 0);
}

/** fe80::/10, RFC 4291 §2.5.6. */
export function isLinkLocalV6(address: string): boolean {
  return isIPv6(address) && sharesNetwork(address, "fe80::", 10);
}

/** 169.254.0.0/16, RFC 3927: what a host gives itself when DHCP did not answer. */
export function isLinkLocalV4(address: string): boolean {
  return isIPv4(address) && sharesNetwork(address, "169.254.0.0", 16);
}

function byteMask(prefixLength: number, index: number): number {
  const bits = Math.min(8, Math.max(0, prefixLength - 8 * index));
  return (0xff << (8 - bits)) & 0xff;
}

function addressBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split("."), Number);
  const [head = "", tail] = canonicalAddress(address)!
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, mappedWords)
    .split("::");
  const first = words(head);
  const last = tail === undefined ? [] : words(tail);
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

/** Writes the dotted quad at the end of an IPv4-mapped address as two groups. */
function mappedWords(_match: string, a: string, b: string, c: string, d: string): string {
  return `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`;
}

function words(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  return canonicalAddress(groups.join(":"))!;
}
