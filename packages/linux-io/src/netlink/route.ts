/** RTM_NEWROUTE and RTM_DELROUTE. rtnetlink(7). */

import type { RouteInfo } from "../types.ts";
import { familyOf, formatIp } from "./address.ts";
import { align, attributesOf, bytesOf, u32Of } from "./message.ts";

/** One entry per next hop of a unicast route; nothing for other kinds (local, broadcast, unreachable, cached). */
export function parseRoutes(body: DataView): RouteInfo[] {
  if (body.byteLength < RTMSG.SIZE) return [];
  const family = familyOf(body.getUint8(RTMSG.FAMILY));
  const cached = (body.getUint32(RTMSG.FLAGS, true) & RTM_F_CLONED) !== 0;
  if (family === undefined || cached || body.getUint8(RTMSG.TYPE) !== RTN_UNICAST) return [];
  const attributes = attributesOf(body, RTMSG.SIZE);
  const common = {
    family,
    table: u32Of(attributes.get(RTA_TABLE), body.getUint8(RTMSG.TABLE)),
    destination: destinationOf(family, bytesOf(attributes.get(RTA_DST)), body.getUint8(RTMSG.DESTINATION_LENGTH)),
    metric: u32Of(attributes.get(RTA_PRIORITY), 0),
    protocol: body.getUint8(RTMSG.PROTOCOL),
  };
  const multipath = attributes.get(RTA_MULTIPATH);
  if (multipath !== undefined) return nextHopsOf(multipath).map((hop) => ({ ...common, ...hop }));
  return [{ ...common, gateway: gatewayOf(attributes), ifindex: u32Of(attributes.get(RTA_OIF), 0) }];
}

interface NextHop {
  readonly gateway: string | undefined;
  readonly ifindex: number;
}

function nextHopsOf(multipath: DataView): NextHop[] {
  const hops: NextHop[] = [];
  let at = 0;
  while (at + RTNEXTHOP.SIZE <= multipath.byteLength) {
    const size = multipath.getUint16(at + RTNEXTHOP.LENGTH, true);
    if (size < RTNEXTHOP.SIZE || at + size > multipath.byteLength) break;
    const hop = new DataView(multipath.buffer, multipath.byteOffset + at, size);
    hops.push({
      gateway: gatewayOf(attributesOf(hop, RTNEXTHOP.SIZE)),
      ifindex: multipath.getInt32(at + RTNEXTHOP.INDEX, true),
    });
    at += align(size);
  }
  return hops;
}

/** RTA_VIA is a gateway of the other family: a u16 of family, then the address. */
function gatewayOf(attributes: Map<number, DataView>): string | undefined {
  const gateway = attributes.get(RTA_GATEWAY);
  if (gateway !== undefined) return formatIp(bytesOf(gateway));
  const via = attributes.get(RTA_VIA);
  return via === undefined ? undefined : formatIp(bytesOf(via).subarray(2));
}

function destinationOf(family: 4 | 6, address: Uint8Array, prefixLength: number): string {
  if (address.length > 0) return `${formatIp(address)}/${prefixLength}`;
  return family === 4 ? `0.0.0.0/${prefixLength}` : `::/${prefixLength}`;
}

/** struct rtmsg: 0 family u8 | 1 destination length u8 | 2 source length u8 | 3 tos u8 | 4 table u8 | 5 protocol u8 | 6 scope u8 | 7 type u8 | 8 flags u32 */
const RTMSG = { FAMILY: 0, DESTINATION_LENGTH: 1, TABLE: 4, PROTOCOL: 5, TYPE: 7, FLAGS: 8, SIZE: 12 } as const;
/** struct rtnexthop: 0 length u16 | 2 flags u8 | 3 hops u8 | 4 index i32, then attributes */
const RTNEXTHOP = { LENGTH: 0, INDEX: 4, SIZE: 8 } as const;
const RTN_UNICAST = 1;
const RTM_F_CLONED = 0x200;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_VIA = 18;
