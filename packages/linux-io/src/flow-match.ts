/** Which packets may be joined: the rules of the kernel's inet_gro_receive, ipv6_gro_receive, tcp_gro_receive and udp_gro_receive. */

import {
  IPV4,
  IPV6,
  type PacketHeaders,
  PROTOCOL_TCP,
  TCP,
  TCP_ACK,
  TCP_CWR,
  TCP_FIN,
  TCP_PSH,
  TCP_RST,
  TCP_SYN,
  TCP_URG,
} from "./packet-headers.ts";

/** Whether a packet may stand in a batch with others: payload, no IP options, and in TCP nothing but an established connection's data. */
export function isJoinable(view: DataView, offset: number, length: number, headers: PacketHeaders): boolean {
  if (headers.payload === length) return false;
  if (headers.transport !== (headers.ipv6 ? IPV6.LENGTH : IPV4.MIN_LENGTH)) return false;
  if (headers.protocol !== PROTOCOL_TCP) return true;
  const flags = view.getUint8(offset + headers.transport + TCP.FLAGS);
  return (flags & (TCP_SYN | TCP_RST | TCP_URG | TCP_ACK)) === TCP_ACK;
}

/** Mixes addresses, ports and protocol into an int32. Different flows may share a hash. */
export function flowHash(view: DataView, offset: number, headers: PacketHeaders): number {
  let at = offset + (headers.ipv6 ? IPV6.ADDRESSES : IPV4.ADDRESSES);
  let hash = headers.protocol;
  for (const end = at + (headers.ipv6 ? 32 : 8); at < end; at += 4) hash = mix(hash, view.getInt32(at));
  return mix(hash, view.getInt32(offset + headers.transport));
}

/**
 * Whether the headers of two joinable packets differ only in what segmentation makes anew: lengths, identification, sequence,
 * checksums, and FIN and PSH. `headers` are the second packet's.
 */
export function sameHeaders(view: DataView, first: number, second: number, headers: PacketHeaders): boolean {
  if (view.getUint8(first) !== view.getUint8(second)) return false;
  const sameNetwork = headers.ipv6 ? sameIpv6(view, first, second) : sameIpv4(view, first, second);
  if (!sameNetwork) return false;
  const a = first + headers.transport;
  const b = second + headers.transport;
  if (view.getInt32(a) !== view.getInt32(b)) return false;
  return headers.protocol !== PROTOCOL_TCP || sameTcp(view, a, b, headers.payload - headers.transport);
}

/** Version, header length, service class, fragment field, time to live, protocol, addresses. */
function sameIpv4(view: DataView, a: number, b: number): boolean {
  return (
    view.getUint16(a) === view.getUint16(b) &&
    view.getUint16(a + IPV4.FRAGMENT) === view.getUint16(b + IPV4.FRAGMENT) &&
    view.getUint16(a + IPV4.TTL_PROTOCOL) === view.getUint16(b + IPV4.TTL_PROTOCOL) &&
    sameWords(view, a + IPV4.ADDRESSES, b + IPV4.ADDRESSES, 8)
  );
}

/** Version, traffic class, flow label, next header, hop limit, addresses. */
function sameIpv6(view: DataView, a: number, b: number): boolean {
  return (
    view.getInt32(a) === view.getInt32(b) &&
    view.getUint16(a + IPV6.NEXT_HEADER) === view.getUint16(b + IPV6.NEXT_HEADER) &&
    sameWords(view, a + IPV6.ADDRESSES, b + IPV6.ADDRESSES, 32)
  );
}

/** Acknowledgement, header length, flags, window and options. CWR may stand in a batch's first packet only. */
function sameTcp(view: DataView, a: number, b: number, headerLength: number): boolean {
  const wordA = view.getInt32(a + TCP.DATA_OFFSET) & ~FREE_IN_FIRST;
  const wordB = view.getInt32(b + TCP.DATA_OFFSET) & ~FREE_IN_NEXT;
  return (
    wordA === wordB &&
    view.getInt32(a + TCP.ACKNOWLEDGEMENT) === view.getInt32(b + TCP.ACKNOWLEDGEMENT) &&
    sameWords(view, a + TCP.MIN_LENGTH, b + TCP.MIN_LENGTH, headerLength - TCP.MIN_LENGTH)
  );
}

function sameWords(view: DataView, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i += 4) {
    if (view.getInt32(a + i) !== view.getInt32(b + i)) return false;
  }
  return true;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** Flags within the 32-bit word at TCP.DATA_OFFSET. */
const FREE_IN_NEXT = (TCP_FIN | TCP_PSH) << 16;
const FREE_IN_FIRST = FREE_IN_NEXT | (TCP_CWR << 16);
