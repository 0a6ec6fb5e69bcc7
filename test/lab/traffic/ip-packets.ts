/** IP packets built by hand, for protocols that no program at hand speaks. */

/** IANA protocol numbers that the tests send. */
export const PROTOCOL = { IPIP: 4, TCP: 6, UDP: 17, IPV6: 41, GRE: 47, ESP: 50, SCTP: 132, EXPERIMENT: 253 } as const;

export interface IpHeader {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** IPv4: the don't-fragment bit. Default true. */
  readonly dontFragment?: boolean;
}

/** An IPv4 packet without options (RFC 791). */
export function ipv4Packet(header: IpHeader, payload: Uint8Array): Buffer {
  const packet = Buffer.alloc(IPV4_HEADER_BYTES + payload.length);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE((header.dontFragment ?? true) ? 0x4000 : 0, 6);
  packet[8] = HOP_LIMIT;
  packet[9] = header.protocol;
  packet.set(ipv4Bytes(header.source), 12);
  packet.set(ipv4Bytes(header.destination), 16);
  packet.writeUInt16BE(internetChecksum(packet.subarray(0, IPV4_HEADER_BYTES)), 10);
  packet.set(payload, IPV4_HEADER_BYTES);
  return packet;
}

/** An IPv6 packet without extension headers (RFC 8200). */
export function ipv6Packet(header: IpHeader, payload: Uint8Array): Buffer {
  const packet = Buffer.alloc(IPV6_HEADER_BYTES + payload.length);
  packet[0] = 0x60;
  packet.writeUInt16BE(payload.length, 4);
  packet[6] = header.protocol;
  packet[7] = HOP_LIMIT;
  packet.set(ipv6Bytes(header.source), 8);
  packet.set(ipv6Bytes(header.destination), 24);
  packet.set(payload, IPV6_HEADER_BYTES);
  return packet;
}

/** Plain GRE around an IPv4 packet (RFC 2784): no checksum, no key. */
export function grePayload(inner: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 0x08, 0x00]), inner]);
}

/** What looks like ESP (RFC 4303): an SPI, a sequence number and bytes that mean nothing to anyone between the ends. */
export function espPayload(spi: number, sequence: number, body: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(spi, 0);
  head.writeUInt32BE(sequence, 4);
  return Buffer.concat([head, body]);
}

export interface ReadPacket {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly payload: Uint8Array;
}

/** Takes a packet without options or extension headers apart. Undefined for what is no IP packet. */
export function readPacket(packet: Uint8Array): ReadPacket | undefined {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4 && packet.length >= IPV4_HEADER_BYTES) {
    const headerBytes = (packet[0]! & 15) * 4;
    return {
      version,
      protocol: packet[9]!,
      source: packet.subarray(12, 16),
      destination: packet.subarray(16, 20),
      payload: packet.subarray(headerBytes),
    };
  }
  if (version !== 6 || packet.length < IPV6_HEADER_BYTES) return undefined;
  return {
    version,
    protocol: packet[6]!,
    source: packet.subarray(8, 24),
    destination: packet.subarray(24, 40),
    payload: packet.subarray(IPV6_HEADER_BYTES),
  };
}

/** The same packet on its way back: source and destination change places, and no checksum changes by that. */
export function reversed(packet: Uint8Array): Buffer {
  const back = Buffer.from(packet);
  const [at, length] = packet[0]! >> 4 === 4 ? [12, 4] : [8, 16];
  back.set(packet.subarray(at, at + length), at + length);
  back.set(packet.subarray(at + length, at + 2 * length), at);
  return back;
}

/** Whether the packet goes to one host rather than to a group. */
export function isUnicast(packet: Uint8Array): boolean {
  return packet[0]! >> 4 === 4 ? packet[16]! < 224 : packet[24] !== 0xff;
}

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const HOP_LIMIT = 64;

function ipv4Bytes(address: string): number[] {
  return address.split(".").map(Number);
}

/** Addresses with `::` in them or in full; no embedded IPv4. */
function ipv6Bytes(address: string): number[] {
  const [head = "", tail = ""] = address.split("::");
  const groups = (text: string): number[] => (text === "" ? [] : text.split(":").map((group) => parseInt(group, 16)));
  const before = groups(head);
  const after = groups(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 255]);
}

/** RFC 1071. */
function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
