import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { completeChecksum } from "./checksum.ts";
import { Coalescer } from "./coalescer.ts";
import { allocateMemory, arenaOf } from "./memory.ts";
import { buildPacket, type Sample, withPartialChecksum } from "./packet-samples.ts";
import { Segmenter } from "./segmenter.ts";
import type { Tun, TunOffloads } from "./types.ts";

const ACK = 0x10;
const PSH = 0x08;
const ALL: TunOffloads = { vnetHeader: true, tso4: true, tso6: true, uso: true };

test("whatever is added comes out again, unchanged and in order within each flow", () => {
  fc.assert(
    fc.property(fc.array(burst, { maxLength: 12 }), fc.boolean(), (bursts, partial) => {
      const packets = bursts.flatMap(packetsOf);
      const { written } = coalesce(packets, { partial });
      assert.deepEqual(byFlow(segmentAll(written)), byFlow(packets));
    }),
    { numRuns: 300 },
  );
});

for (const partial of [true, false]) {
  for (const ipv6 of [false, true]) {
    test(`a TCP run over ${ipv6 ? "IPv6" : "IPv4"} is one write, checksums ${partial ? "partial" : "whole"}`, () => {
      const packets = tcpRun({ ipv6, segments: 40 });
      const { written } = coalesce(packets, { partial });
      assert.equal(written.length, 1);
      assert.deepEqual(segmentAll(written), packets);
    });
  }
}

test("interleaved flows are joined each by itself", () => {
  const flows = [1, 2, 3].map((sourcePort) => tcpRun({ sourcePort, segments: 10 }));
  const packets = Array.from({ length: 10 }, (_, i) => flows.map((flow) => flow[i]!)).flat();
  const { written } = coalesce(packets, {});
  assert.equal(written.length, 3);
  assert.deepEqual(segmentAll(written), flows.flat());
});

test("equal datagrams are joined; a shorter one ends the run; without USO none is", () => {
  const packets = [500, 500, 300, 500].map((length, i) => udp(length, i));
  assert.equal(coalesce(packets, {}).written.length, 2);
  assert.equal(coalesce(packets, { offloads: { ...ALL, uso: false } }).written.length, 4);
});

test("packets that differ in more than segmentation makes anew stay apart", () => {
  const base: Sample = { protocol: "tcp", payload: randomBytes(100), flags: ACK, dontFragment: false };
  const next: Sample = { ...base, sequence: 101, identification: 2 };
  const options = (byte: number) => ({ options: Buffer.from([1, 1, 1, byte]) });
  const pairs: Record<string, [Sample, Sample]> = {
    "gap in the sequence": [base, { ...next, sequence: 102 }],
    "identification jumps without DF": [base, { ...next, identification: 3 }],
    "larger than the first": [base, { ...next, payload: randomBytes(101) }],
    "after PSH": [{ ...base, flags: ACK | PSH }, next],
    "after a short one": [
      { ...base, payload: randomBytes(100) },
      { ...next, flags: ACK | 0x80 },
    ],
    "another window": [base, { ...next, window: 501 }],
    "another traffic class": [base, { ...next, trafficClass: 1 }],
    "another time to live": [base, { ...next, ttl: 63 }],
    "another DF": [base, { ...next, dontFragment: true }],
    "another option": [
      { ...base, ...options(1) },
      { ...next, ...options(0) },
    ],
    "an option more": [base, { ...next, ...options(1) }],
    "another port": [base, { ...next, sourcePort: 9 }],
    SYN: [base, { ...next, flags: ACK | 0x02 }],
    RST: [base, { ...next, flags: ACK | 0x04 }],
    URG: [base, { ...next, flags: ACK | 0x20 }],
    "no payload": [base, { ...next, payload: Buffer.alloc(0) }],
    "another family": [base, { ...next, ipv6: true }],
  };
  assert.equal(coalesce([base, next].map(buildPacket), {}).written.length, 1);
  for (const [what, pair] of Object.entries(pairs)) {
    const packets = pair.map(buildPacket);
    const { written } = coalesce(packets, {});
    assert.equal(written.length, 2, what);
    assert.deepEqual(segmentAll(written), packets, what);
  }
});

test("a packet with a wrong checksum is passed on with it, first or later", () => {
  for (const broken of [0, 1, 2]) {
    const packets = tcpRun({ segments: 3 });
    packets[broken]![60]! ^= 1;
    const { written } = coalesce(packets, { partial: false });
    assert.deepEqual(segmentAll(written), packets);
  }
});

test("a fragment is not overtaken by later packets of its flow", () => {
  const [first, second] = [udp(100, 0), udp(100, 1)];
  const fragment = udp(50, 9);
  fragment.writeUInt16BE(0x2000, 6);
  const { written } = coalesce([first, fragment, second], { partial: false });
  assert.deepEqual(segmentAll(written), [first, fragment, second]);
});

test("a batch ends before the packet would exceed 65,535 bytes or 64 segments", () => {
  for (const [size, segments, writes] of [
    [1448, 50, 2],
    [32, 130, 3],
  ] as const) {
    const packets = tcpRun({ size, segments });
    const { written } = coalesce(packets, {});
    assert.equal(written.length, writes);
    assert.deepEqual(segmentAll(written), packets);
  }
});

test("when there is no room, add refuses and flush makes room; pending counts what is held", () => {
  const bench = new Bench(ALL);
  const packets = Array.from({ length: 40 }, (_, sourcePort) => tcpRun({ sourcePort, segments: 1 })[0]!);
  const taken = packets.filter((packet) => bench.add(packet, false)).length;
  assert.equal(taken, 32);
  assert.equal(bench.coalescer.pending, 32);
  assert.equal(bench.coalescer.flush(), 32);
  assert.equal(bench.coalescer.pending, 0);
  assert.equal(bench.add(packets[39]!, false), true);
});

test("packets that the kernel refuses are counted", () => {
  const bench = new Bench(ALL, -22);
  for (const packet of tcpRun({ segments: 3 })) bench.add(packet, true);
  assert.equal(bench.coalescer.flush(), 0);
  assert.equal(bench.coalescer.refusedPackets, 3);
});

test("without a vnet header, packets are written one by one with whole checksums", () => {
  const packets = tcpRun({ segments: 5 });
  const none = { vnetHeader: false, tso4: false, tso6: false, uso: false };
  assert.deepEqual(coalesce(packets, { offloads: none, partial: true }).written, packets);
});

const burst = fc.record({
  ipv6: fc.boolean(),
  protocol: fc.constantFrom("tcp" as const, "udp" as const),
  sourcePort: fc.integer({ min: 1, max: 3 }),
  sizes: fc.array(fc.constantFrom(0, 1, 99, 100, 100, 100, 1448), { minLength: 1, maxLength: 8 }),
  flags: fc.constantFrom(ACK, ACK, ACK | PSH, ACK | 0x01, ACK | 0x02, ACK | 0x80, ACK | 0x40, 0x04),
  flagsAt: fc.nat(8),
  options: fc.constantFrom(0, 4, 12),
  sequence: fc.constantFrom(0, 1, 0xffff_ff00),
  identification: fc.constantFrom(0, 0xffff),
  dontFragment: fc.boolean(),
});

type Burst = typeof burst extends fc.Arbitrary<infer T> ? T : never;

/** Consecutive packets of one flow, one of them with other flags. */
function packetsOf(shape: Burst): Buffer[] {
  let sequence = shape.sequence;
  return shape.sizes.map((size, index) => {
    const packet = buildPacket({
      ...shape,
      payload: randomBytes(size),
      sequence,
      identification: (shape.identification + index) % 2 ** 16,
      flags: index === shape.flagsAt ? shape.flags : ACK,
      options: Buffer.alloc(shape.options, 1),
    });
    sequence = (sequence + size) % 2 ** 32;
    return packet;
  });
}

function tcpRun(options: { ipv6?: boolean; sourcePort?: number; segments: number; size?: number }): Buffer[] {
  const { ipv6 = false, sourcePort = 5201, segments, size = 1448 } = options;
  return Array.from({ length: segments }, (_, i) =>
    buildPacket({
      ipv6,
      protocol: "tcp",
      sourcePort,
      payload: randomBytes(size),
      sequence: 1000 + i * size,
      identification: 7 + i,
      flags: ACK | (i === segments - 1 ? PSH : 0),
    }),
  );
}

function udp(size: number, index: number): Buffer {
  return buildPacket({ protocol: "udp", payload: randomBytes(size), identification: index + 1, dontFragment: false });
}

/** Adds all packets, flushing where asked to, and returns what was written to the device. */
function coalesce(
  packets: readonly Buffer[],
  options: { partial?: boolean; offloads?: TunOffloads },
): { written: Buffer[] } {
  const bench = new Bench(options.offloads ?? ALL);
  for (const packet of packets) {
    if (bench.add(packet, options.partial ?? true)) continue;
    bench.coalescer.flush();
    assert.ok(bench.add(packet, options.partial ?? true));
  }
  bench.coalescer.flush();
  assert.equal(bench.coalescer.refusedPackets, 0);
  return { written: bench.written };
}

/** A coalescer over a device that only remembers what is written to it. */
class Bench {
  readonly written: Buffer[] = [];
  readonly coalescer: Coalescer;
  readonly #memory = allocateMemory(1 << 20);
  #next = 1 << 16;

  constructor(offloads: TunOffloads, result?: number) {
    const { bytes, view, address } = this.#memory;
    const take = (parts: Uint8Array[]): number => {
      const whole = Buffer.concat(parts);
      this.written.push(whole);
      return result ?? whole.length;
    };
    const gather = (iovec: number, count: number): Uint8Array[] =>
      Array.from({ length: count }, (_, i) => {
        const start = Number(view.getBigUint64(iovec + i * 16, true)) - address;
        return bytes.subarray(start, start + Number(view.getBigUint64(iovec + i * 16 + 8, true)));
      });
    const tun: Tun = {
      fd: -1,
      name: "fake",
      offloads,
      read: () => -1,
      write: (offset, length) => take([bytes.subarray(offset, offset + length)]),
      writev: (iovec, count) => take(gather(iovec, count)),
      setPersistent: () => undefined,
      close: () => undefined,
    };
    this.coalescer = new Coalescer(this.#memory, arenaOf(this.#memory), tun);
  }

  /** Partial checksums are for TCP and UDP only, as on the wire. */
  add(packet: Buffer, partial: boolean): boolean {
    const offset = this.#next;
    this.#next += packet.length;
    this.#memory.bytes.set(partial ? withPartialChecksum(packet) : packet, offset);
    return this.coalescer.add(offset, packet.length, partial);
  }
}

/** What the kernel would make of the writes. */
function segmentAll(writes: readonly Buffer[]): Buffer[] {
  const memory = allocateMemory(1 << 18);
  const out = 1 << 17;
  const segmenter = new Segmenter(memory);
  return writes.flatMap((write) => {
    memory.bytes.set(write, 0);
    const packets: Buffer[] = [];
    const count = segmenter.begin(0, write.length);
    for (let length = segmenter.next(out); length > 0; length = segmenter.next(out)) {
      if (segmenter.checksumPartial) completeChecksum(memory, out, length);
      packets.push(Buffer.from(memory.bytes.slice(out, out + length)));
    }
    assert.equal(packets.length, count);
    return packets;
  });
}

/** The packets of each flow. The identification of packets with DF means nothing (RFC 6864) and is left out with its checksum. */
function byFlow(packets: readonly Buffer[]): Record<string, string[]> {
  const flows: Record<string, string[]> = {};
  for (const packet of packets) {
    const transport = packet[0]! >>> 4 === 6 ? 40 : 20;
    const flow = `${transport}/${packet[transport === 40 ? 6 : 9]}/${packet.readUInt16BE(transport)}`;
    flows[flow] ??= [];
    const comparable = Buffer.from(packet);
    if (transport === 20 && packet.readUInt16BE(6) === 0x4000) comparable.fill(0, 4, 6).fill(0, 10, 12);
    flows[flow].push(comparable.toString("hex"));
  }
  return flows;
}
