/** Builds inner packets for tests, with checksums computed apart from the code under test. */

export interface Sample {
  readonly ipv6?: boolean;
  readonly protocol: "tcp" | "udp";
  readonly sourcePort?: number;
  readonly payload: Uint8Array;
  /** IPv4 */
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly ttl?: number;
  readonly trafficClass?: number;
  /** TCP */
  readonly sequence?: number;
  readonly flags?: number;
  readonly window?: number;
  /** A multiple of 4 bytes. */
  readonly options?: Uint8Array;
}

/** A packet with whole, right checksums. */
export function buildPacket(sample: Sample): Buffer {
  const network = sample.ipv6 ? ipv6Header(sample) : ipv4Header(sample);
  const packet = Buffer.concat([
    network,
    sample.protocol === "tcp" ? tcpHeader(sample) : udpHeader(sample),
    sample.payload,
  ]);
  if (sample.ipv6) packet.writeUInt16BE(packet.length - 40, 4);
  else {
    packet.writeUInt16BE(packet.length, 2);
    packet.writeUInt16BE(checksumOf(packet.subarray(0, 20)), 10);
  }
  const field = network.length + (sample.protocol === "tcp" ? 16 : 6);
  const checksum = checksumOf(Buffer.concat([pseudoHeader(packet, network.length), packet.subarray(network.length)]));
  packet.writeUInt16BE(checksum === 0 && sample.protocol === "udp" ? 0xffff : checksum, field);
  return packet;
}

/** The same packet as a kernel with checksum offload sends it: the pseudo header's sum in place of the checksum. */
export function withPartialChecksum(packet: Buffer): Buffer {
  const partial = Buffer.from(packet);
  const transport = partial[0]! >>> 4 === 6 ? 40 : 20;
  const protocol = transport === 40 ? partial[6] : partial[9];
  const sum = ~checksumOf(pseudoHeader(partial, transport)) & 0xffff;
  partial.writeUInt16BE(sum, transport + (protocol === 6 ? 16 : 6));
  return partial;
}

/** RFC 1071, the slow and plain way. */
export function checksumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = Math.trunc(sum / 0x10000) + (sum % 0x10000);
  return 0xffff - sum;
}

function pseudoHeader(packet: Buffer, transport: number): Buffer {
  const ipv6 = transport === 40;
  const tail = Buffer.alloc(4);
  tail[1] = ipv6 ? packet[6]! : packet[9]!;
  tail.writeUInt16BE(packet.length - transport, 2);
  return Buffer.concat([ipv6 ? packet.subarray(8, 40) : packet.subarray(12, 20), tail]);
}

function ipv4Header(sample: Sample): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header[1] = sample.trafficClass ?? 0;
  header.writeUInt16BE(sample.identification ?? 1, 4);
  header.writeUInt16BE(sample.dontFragment === false ? 0 : 0x4000, 6);
  header[8] = sample.ttl ?? 64;
  header[9] = sample.protocol === "tcp" ? 6 : 17;
  header.set([198, 18, 0, 2, 198, 18, 1, 2], 12);
  return header;
}

function ipv6Header(sample: Sample): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32BE((0x60000000 | ((sample.trafficClass ?? 0) << 20) | 0x12345) >>> 0, 0);
  header[6] = sample.protocol === "tcp" ? 6 : 17;
  header[7] = sample.ttl ?? 64;
  header.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], 8);
  return header;
}

function tcpHeader(sample: Sample): Buffer {
  const options = sample.options ?? Buffer.alloc(0);
  const header = Buffer.alloc(20 + options.length);
  header.writeUInt16BE(sample.sourcePort ?? 5201, 0);
  header.writeUInt16BE(443, 2);
  header.writeUInt32BE(sample.sequence ?? 1, 4);
  header.writeUInt32BE(77, 8);
  header[12] = (header.length / 4) << 4;
  header[13] = sample.flags ?? 0x10;
  header.writeUInt16BE(sample.window ?? 500, 14);
  header.set(options, 20);
  return header;
}

function udpHeader(sample: Sample): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sample.sourcePort ?? 5201, 0);
  header.writeUInt16BE(443, 2);
  header.writeUInt16BE(8 + sample.payload.length, 4);
  return header;
}
