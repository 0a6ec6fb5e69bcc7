/** RTM_NEWADDR and RTM_DELADDR. rtnetlink(7), linux/if_addr.h. */

import { AF_INET, AF_INET6, formatIpv4, formatIpv6 } from "../address.ts";
import type { AddressInfo } from "../types.ts";
import { attributesOf, bytesOf, u32Of } from "./message.ts";

/** Undefined for families other than IPv4 and IPv6. */
export function parseAddress(body: DataView): AddressInfo | undefined {
  if (body.byteLength < IFADDRMSG.SIZE) return undefined;
  const family = familyOf(body.getUint8(IFADDRMSG.FAMILY));
  if (family === undefined) return undefined;
  const attributes = attributesOf(body, IFADDRMSG.SIZE);
  // On a point-to-point link IFA_ADDRESS is the peer's.
  const address = bytesOf(attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS));
  if (address.length !== (family === 4 ? 4 : 16)) return undefined;
  const scope = body.getUint8(IFADDRMSG.SCOPE);
  const flags = u32Of(attributes.get(IFA_FLAGS), body.getUint8(IFADDRMSG.FLAGS));
  return {
    ifindex: body.getUint32(IFADDRMSG.INDEX, true),
    family,
    address: formatIp(address),
    prefixLength: body.getUint8(IFADDRMSG.PREFIX_LENGTH),
    scope: SCOPE_NAMES[scope] ?? String(scope),
    usable: isUsable(flags),
  };
}

/** 4 or 6, or undefined for another address family. */
export function familyOf(addressFamily: number): 4 | 6 | undefined {
  if (addressFamily === AF_INET) return 4;
  return addressFamily === AF_INET6 ? 6 : undefined;
}

/** The text of 4 or 16 bytes. */
export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4 ? formatIpv4(bytes, 0) : formatIpv6(bytes, 0);
}

/** An optimistic address may be used while duplicates are still looked for. RFC 4429 */
function isUsable(flags: number): boolean {
  if (flags & (IFA_F_DEPRECATED | IFA_F_DADFAILED)) return false;
  return (flags & IFA_F_TENTATIVE) === 0 || (flags & IFA_F_OPTIMISTIC) !== 0;
}

/** struct ifaddrmsg: 0 family u8 | 1 prefix length u8 | 2 flags u8 | 3 scope u8 | 4 index u32 */
const IFADDRMSG = { FAMILY: 0, PREFIX_LENGTH: 1, FLAGS: 2, SCOPE: 3, INDEX: 4, SIZE: 8 } as const;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_FLAGS = 8;
const IFA_F_OPTIMISTIC = 0x04;
const IFA_F_DADFAILED = 0x08;
const IFA_F_DEPRECATED = 0x20;
const IFA_F_TENTATIVE = 0x40;
const SCOPE_NAMES: Readonly<Record<number, string>> = { 0: "global", 200: "site", 253: "link", 254: "host" };
