/** RTM_NEWLINK and RTM_DELLINK. rtnetlink(7), linux/if_link.h. */

import type { LinkInfo } from "../types.ts";
import { attributesOf, bytesOf, textOf, u32Of } from "./message.ts";

/** Undefined for messages about something else: bridge ports and wireless events come under the same type. */
export function parseLink(body: DataView): LinkInfo | undefined {
  if (body.byteLength < IFINFOMSG.SIZE || body.getUint8(IFINFOMSG.FAMILY) !== AF_UNSPEC) return undefined;
  const attributes = attributesOf(body, IFINFOMSG.SIZE);
  if (attributes.has(IFLA_WIRELESS)) return undefined;
  const flags = body.getUint32(IFINFOMSG.FLAGS, true);
  const info = attributes.get(IFLA_LINKINFO);
  return {
    ifindex: body.getInt32(IFINFOMSG.INDEX, true),
    name: textOf(attributes.get(IFLA_IFNAME)),
    hardwareType: body.getUint16(IFINFOMSG.TYPE, true),
    driverKind: info === undefined ? "" : textOf(attributesOf(info, 0).get(IFLA_INFO_KIND)),
    mtuBytes: u32Of(attributes.get(IFLA_MTU), 0),
    up: (flags & IFF_UP) !== 0,
    carrier: (flags & IFF_LOWER_UP) !== 0,
    hardwareAddress: hexOf(bytesOf(attributes.get(IFLA_ADDRESS))),
  };
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** struct ifinfomsg: 0 family u8 | 2 type u16 | 4 index i32 | 8 flags u32 | 12 change u32 */
const IFINFOMSG = { FAMILY: 0, TYPE: 2, INDEX: 4, FLAGS: 8, SIZE: 16 } as const;
const AF_UNSPEC = 0;
const IFF_UP = 0x1;
const IFF_LOWER_UP = 0x10000;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_WIRELESS = 11;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
