import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { completeChecksum } from "./checksum.ts";
import { allocateMemory } from "./memory.ts";
import { buildPacket, type Sample, withPartialChecksum } from "./packet-samples.ts";
import { Segmenter } from "./segmenter.ts";
import { GSO_ECN, GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_UDP_L4 } from "./vnet.ts";

const memory = allocateMemory(1 << 18);
const OUT = 1 << 17;
const ACK = 0x10;

for (const ipv6 of [false, true]) {
  const family = ipv6 ? "IPv6" : "IPv4";

  test(`a TCP super-packet over ${family} becomes the packets that its sender meant`, () => {
    const payload = randomBytes(10_000);
    const options = Buffer.from("0101080a0102030405060708", "hex");
    const base: Sample = { ipv6, protocol: "tcp", payload, sequence: 0xffff_f000, identification: 0xfffe, options };
    const flags = ACK | 0x80 | 0x08 | 0x01;
    const whole = readOf(buildPacket({ ...base, flags }), (ipv6 ? GSO_TCP6 : GSO_TCP4) | GSO_ECN, 1448);
    const expected: Buffer[] = [];
    for (let at = 0; at < payload.length; at += 1448) {
      const first = at === 0;
      const last = at + 1448 >= payload.length;
      expected.push(
        buildPacket({
          ...base,
          payload: payload.subarray(at, at + 1448),
          sequence: (0xffff_f000 + at) % 2 ** 32,
          identification: (0xfffe + expected.length) % 2 ** 16,
          flags: ACK | (first ? 0x80 : 0) | (last ? 0x09 : 0),
        }),
      );
    }
    assert.deepEqual(segment(whole), { count: 7, partial: true, packets: expected });
  });

  test(`a UDP super-packet over ${family} becomes datagrams with lengths and checksums of their own`, () => {
    const payload = randomBytes(2_500);
    const base: Sample = { ipv6, protocol: "udp", payload, identification: 7, dontFragment: false };
    const expected = [0, 1000, 2000].map((at, index) =>
      buildPacket({ ...base, payload: payload.subarray(at, at + 1000), identification: 7 + index }),
    );
    const whole = readOf(buildPacket(base), GSO_UDP_L4, 1000);
    assert.deepEqual(segment(whole), { count: 3, partial: true, packets: expected });
  });
}

test("a plain packet passes as it is, its checksum partial only where the header says so", () => {
  const packet = buildPacket({ protocol: "tcp", payload: randomBytes(100) });
  assert.deepEqual(segment(readOf(packet, GSO_NONE, 0)), { count: 1, partial: true, packets: [packet] });
  const complete = Buffer.concat([Buffer.alloc(10), packet]);
  assert.deepEqual(segment(complete), { count: 1, partial: false, packets: [packet] });
});

test("a partial checksum at a place that no receiver would guess is completed here", () => {
  const udp = buildPacket({ protocol: "udp", payload: randomBytes(40) });
  const read = readOf(udp, GSO_NONE, 0);
  // The same bytes as an unknown protocol: checksum start and offset are all that is known of it.
  read[10 + 9] = 200;
  const { partial, packets } = segment(read);
  assert.equal(partial, false);
  const [packet] = packets;
  assert.deepEqual(packet!.subarray(20), udp.subarray(20));
});

test("malformed reads give no packet", () => {
  const tcp = buildPacket({ protocol: "tcp", payload: randomBytes(3000) });
  const good = readOf(tcp, GSO_TCP4, 1000);
  const mutations: [string, (read: Buffer) => Buffer][] = [
    ["empty", () => Buffer.alloc(0)],
    ["header only", (read) => read.subarray(0, 10)],
    ["no checksum asked for", (read) => patched(read, 0, 0)],
    ["unknown GSO type", (read) => patched(read, 1, 3)],
    ["GSO type of the other family", (read) => patched(read, 1, GSO_TCP6)],
    ["segment size 0", (read) => patched(patched(read, 4, 0), 5, 0)],
    ["checksum start beyond the packet", (read) => patched(read, 7, 0xff)],
    ["checksum start within the IP header", (read) => patched(read, 6, 10)],
    ["checksum of another protocol", (read) => patched(read, 8, 6)],
    ["TCP header shorter than 20 bytes", (read) => patched(read, 10 + 20 + 12, 0x40)],
    ["TCP header longer than the packet", (read) => patched(read.subarray(0, 52), 10 + 20 + 12, 0xf0)],
    ["neither IPv4 nor IPv6", (read) => patched(read, 10, 0x75)],
  ];
  assert.equal(segment(good).count, 3);
  for (const [what, mutate] of mutations) {
    const read = mutate(Buffer.from(good));
    memory.bytes.set(read, 0);
    assert.equal(new Segmenter(memory).begin(0, read.length), 0, what);
  }
});

/** What TUN gives for `packet`: a vnet header that asks for the checksum, and for segmentation unless GSO_NONE. */
function readOf(packet: Buffer, gsoType: number, gsoSize: number): Buffer {
  const transport = packet[0]! >>> 4 === 6 ? 40 : 20;
  const protocol = transport === 40 ? packet[6] : packet[9];
  const header = Buffer.alloc(10);
  header[0] = 1;
  header[1] = gsoType;
  header.writeUInt16LE(gsoSize, 4);
  header.writeUInt16LE(transport, 6);
  header.writeUInt16LE(protocol === 6 ? 16 : 6, 8);
  return Buffer.concat([header, withPartialChecksum(packet)]);
}

/** All packets of a read, their checksums completed. */
function segment(read: Buffer): { count: number; partial: boolean; packets: Buffer[] } {
  const segmenter = new Segmenter(memory);
  memory.bytes.set(read, 1);
  const count = segmenter.begin(1, read.length);
  const packets: Buffer[] = [];
  for (let length = segmenter.next(OUT); length > 0; length = segmenter.next(OUT)) {
    if (segmenter.checksumPartial) assert.ok(completeChecksum(memory, OUT, length));
    packets.push(Buffer.from(memory.bytes.slice(OUT, OUT + length)));
  }
  return { count, partial: segmenter.checksumPartial, packets };
}

function patched(read: Buffer, offset: number, value: number): Buffer {
  read[offset] = value;
  return read;
}
