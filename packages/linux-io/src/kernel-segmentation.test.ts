/**
 * The kernel as the judge of what is cut and joined here.
 *
 *   one namespace:   test ──write──▶ lio-k0 ──IP forwarding──▶ lio-k1 ──read──▶ test
 */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, suite, test } from "node:test";
import { Coalescer } from "./coalescer.ts";
import { arenaOf, memoryOf } from "./memory.ts";
import { buildPacket, checksumOf, withPartialChecksum } from "./packet-samples.ts";
import { createPoller } from "./poller.ts";
import { Segmenter } from "./segmenter.ts";
import { ip, reasonWithoutTun } from "./test-support.ts";
import { openTun } from "./tun.ts";
import type { Tun, TunOptions } from "./types.ts";
import { VNET_HEADER } from "./vnet.ts";

const NAMESPACE = "lio-k";
const memory = memoryOf(new ArrayBuffer(1 << 20));
const READ = 0;
const OUT = 1 << 17;
const PACKETS = 1 << 18;
const arena = arenaOf(memory, 1 << 19);

suite("with IP forwarding between two devices", { skip: reasonWithoutTun() }, () => {
  before(() => {
    ip(`netns add ${NAMESPACE}`);
    ip(`netns exec ${NAMESPACE} sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`);
  });

  after(() => ip(`netns del ${NAMESPACE}`));

  for (const ipv6 of [false, true]) {
    for (const protocol of ["tcp", "udp"] as const) {
      const family = ipv6 ? "IPv6" : "IPv4";

      test(`the kernel cuts a joined ${protocol} run over ${family} into the packets that were added`, () => {
        using devices = openDevices({ offload: false });
        const packets = run({ ipv6, protocol, count: 20 });
        const coalescer = new Coalescer(memory, arena, devices.near);
        store(packets).forEach((offset, i) => {
          assert.ok(coalescer.add(offset, packets[i]!.length, true));
        });
        assert.equal(coalescer.flush(), packets.length);
        assert.deepEqual(readAll(devices.far, packets.length), packets.map(forwarded));
      });

      test(`what the kernel gives in one read of a ${protocol} run over ${family} is cut as the kernel would`, () => {
        using devices = openDevices({ offload: true });
        const packets = run({ ipv6, protocol, count: 20 });
        const coalescer = new Coalescer(memory, arena, devices.near);
        store(packets).forEach((offset, i) => {
          coalescer.add(offset, packets[i]!.length, true);
        });
        coalescer.flush();
        const { reads, cut } = readAndCut(devices.far, packets.length);
        assert.equal(reads, 1);
        assert.deepEqual(cut, packets.map(forwarded).map(withPartialChecksum));
      });
    }
  }

  test("a single packet with a partial checksum leaves the kernel with a whole one", () => {
    using devices = openDevices({ offload: false });
    const packets = [false, true].flatMap((ipv6) =>
      (["tcp", "udp"] as const).flatMap((protocol) => run({ ipv6, protocol, count: 1 })),
    );
    const coalescer = new Coalescer(memory, arena, devices.near);
    store(packets).forEach((offset, i) => {
      coalescer.add(offset, packets[i]!.length, true);
    });
    assert.equal(coalescer.flush(), 4);
    assert.deepEqual(readAll(devices.far, 4), packets.map(forwarded));
  });
});

interface Devices extends Disposable {
  readonly near: Tun;
  readonly far: Tun;
}

/** `far` is opened with `options`; `near` always has all offloads. */
function openDevices(options: Partial<TunOptions>): Devices {
  const near = openTun(memory, { name: "lio-k0", mode: "tun", offload: true });
  const far = openTun(memory, { name: "lio-k1", mode: "tun", offload: true, ...options });
  [near, far].forEach(({ name }, index) => {
    ip(`link set ${name} netns ${NAMESPACE}`);
    ip(`-n ${NAMESPACE} addr add 198.18.${index}.1/24 dev ${name}`);
    ip(`-n ${NAMESPACE} addr add fd00:${index}::1/64 dev ${name} nodad`);
    ip(`-n ${NAMESPACE} link set ${name} up`);
  });
  const dispose = () => {
    near.close();
    far.close();
  };
  return { near, far, [Symbol.dispose]: dispose };
}

/** Consecutive packets of one flow from the near network to the far one. */
function run(shape: { ipv6: boolean; protocol: "tcp" | "udp"; count: number }): Buffer[] {
  const { count, ...base } = shape;
  return Array.from({ length: count }, (_, i) =>
    buildPacket({
      ...base,
      payload: randomBytes(i === count - 1 ? 333 : 1000),
      sequence: 1 + i * 1000,
      identification: 1 + i,
      flags: i === count - 1 ? 0x18 : 0x10,
      options: Buffer.from("0101080a0102030405060708", "hex"),
    }),
  );
}

/** Puts packets with partial checksums into memory. Returns their offsets. */
function store(packets: readonly Buffer[]): number[] {
  return packets.map((packet, index) => {
    const offset = PACKETS + index * 2048;
    memory.bytes.set(withPartialChecksum(packet), offset);
    return offset;
  });
}

/** The packet one hop on. */
function forwarded(packet: Buffer): Buffer {
  const copy = Buffer.from(packet);
  if (copy[0]! >>> 4 === 6) copy[7]!--;
  else {
    copy[8]!--;
    copy.writeUInt16BE(0, 10);
    copy.writeUInt16BE(checksumOf(copy.subarray(0, 20)), 10);
  }
  return copy;
}

function readAll(tun: Tun, count: number): Buffer[] {
  return Array.from({ length: count }, () => {
    const length = readOne(tun);
    return Buffer.from(memory.bytes.slice(READ, READ + length));
  });
}

function readAndCut(tun: Tun, count: number): { reads: number; cut: Buffer[] } {
  const segmenter = new Segmenter(memory);
  const cut: Buffer[] = [];
  let reads = 0;
  while (cut.length < count) {
    assert.ok(segmenter.begin(READ, readOne(tun)) > 0);
    reads++;
    for (let length = segmenter.next(OUT); length > 0; length = segmenter.next(OUT)) {
      cut.push(Buffer.from(memory.bytes.slice(OUT, OUT + length)));
    }
  }
  return { reads, cut };
}

/** The next read; what the kernel itself multicasts over a new link is left out. */
function readOne(tun: Tun): number {
  const poller = createPoller();
  poller.add(tun.fd);
  const packet = READ + (tun.offloads.vnetHeader ? VNET_HEADER.LENGTH : 0);
  for (;;) {
    assert.equal(poller.wait(2e6), 1, "the kernel forwards nothing");
    const length = tun.read(READ, 70_000);
    const multicast = memory.bytes[packet]! >>> 4 === 6 && memory.bytes[packet + 24] === 0xff;
    if (!multicast) return length;
  }
}
