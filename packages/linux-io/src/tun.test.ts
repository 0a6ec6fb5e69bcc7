import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { memoryOf } from "./memory.ts";
import { createPoller } from "./poller.ts";
import { SystemError } from "./system-error.ts";
import { ip, reasonWithoutTun } from "./test-support.ts";
import { openTun, removeTun } from "./tun.ts";
import { type Tun, type TunOptions, WOULD_BLOCK } from "./types.ts";

const NAME = "lio-tun0";
const skip = reasonWithoutTun();
const memory = memoryOf(new ArrayBuffer(1 << 17));

for (const [what, options, headerBytes] of [
  ["with all offloads", { offload: true }, 10],
  ["with TCP segmentation only", { offload: true, segmentation: "tcp" }, 10],
  ["with checksums only", { offload: true, segmentation: "none" }, 10],
  ["without offloads", { offload: false }, 0],
] as const) {
  test(`a datagram sent into the device is read from it, ${what}`, { skip }, async () => {
    using device = openDevice(options);
    ip(`addr add 198.18.0.1/30 dev ${NAME}`);
    ip(`link set ${NAME} up`);
    const socket = createSocket("udp4");
    socket.send("hello", 4242, "198.18.0.2");
    const packet = await readUdpPacket(device.tun, headerBytes);
    assert.equal(packet.subarray(-5).toString(), "hello");
    assert.equal(packet.readUInt16BE(2), 33, "IPv4 total length");
    socket.close();
    await once(socket, "close");
  });
}

test("the offloads that are granted are those asked for", { skip }, () => {
  const granted = (options: Partial<TunOptions>) => {
    using device = openDevice(options);
    return device.tun.offloads;
  };
  assert.deepEqual(granted({ segmentation: "tcp" }), { vnetHeader: true, tso4: true, tso6: true, uso: false });
  assert.deepEqual(granted({ segmentation: "none" }), { vnetHeader: true, tso4: false, tso6: false, uso: false });
  assert.deepEqual(granted({ offload: false }), { vnetHeader: false, tso4: false, tso6: false, uso: false });
});

test("an empty device would block, and a packet that is none is refused without an exception", { skip }, () => {
  using device = openDevice({ offload: false });
  ip(`link set ${NAME} up`);
  ip(`-6 addr flush dev ${NAME}`);
  drain(device.tun);
  assert.equal(device.tun.read(0, 2048), WOULD_BLOCK);
  memory.bytes.fill(0xff, 0, 40);
  assert.equal(device.tun.write(0, 40), -22);
});

test("a device in use is refused to others; a persistent one stays until it is removed", { skip }, () => {
  const first = openTun(memory, { name: NAME, mode: "tun", offload: true });
  const second = () => openTun(memory, { name: NAME, mode: "tun", offload: true });
  assert.throws(second, (error) => error instanceof SystemError && error.code === "EBUSY");
  first.setPersistent(true);
  first.close();
  assert.ok(exists(NAME));
  const wrongMode = () => openTun(memory, { name: NAME, mode: "tap", offload: true });
  assert.throws(wrongMode, (error) => error instanceof SystemError && error.code === "EINVAL");
  second().close();
  assert.ok(exists(NAME));
  removeTun(NAME);
  assert.ok(!exists(NAME));
});

test("a TAP device carries Ethernet frames and can be removed, even twice", { skip }, () => {
  const tap = openTun(memory, { name: "lio-tap0", mode: "tap", offload: false });
  tap.setPersistent(true);
  ip("link set lio-tap0 up");
  memory.bytes.fill(0, 0, 60);
  memory.bytes.fill(0xff, 0, 6);
  assert.equal(tap.write(0, 60), 60);
  tap.close();
  removeTun("lio-tap0");
  removeTun("lio-tap0");
  assert.ok(!exists("lio-tap0"));
});

test("a name that the kernel would cut is refused", () => {
  for (const name of ["", "sixteen-letters-x", "a b", "a/b"]) {
    assert.throws(() => openTun(memory, { name, mode: "tun", offload: true }), TypeError);
  }
});

function openDevice(options: Partial<TunOptions>): Disposable & { readonly tun: Tun } {
  const tun = openTun(memory, { name: NAME, mode: "tun", offload: true, ...options });
  return { tun, [Symbol.dispose]: () => tun.close() };
}

/** Reads until a UDP packet over IPv4 comes; the kernel greets a new device with router solicitations. */
async function readUdpPacket(tun: Tun, headerBytes: number): Promise<Buffer> {
  const poller = createPoller();
  poller.add(tun.fd);
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    if (poller.wait(0) === 0) continue;
    const length = tun.read(0, memory.bytes.length);
    const packet = Buffer.from(memory.buffer, headerBytes, length - headerBytes);
    if (packet[0] === 0x45 && packet[9] === 17) return packet;
  }
}

function drain(tun: Tun): void {
  while (tun.read(0, 2048) !== WOULD_BLOCK);
}

function exists(name: string): boolean {
  try {
    ip(`link show ${name}`);
    return true;
  } catch {
    return false;
  }
}
