import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeAddress, formatAddress } from "./address.ts";
import { monotonicUs } from "./clock.ts";
import { setsockopt } from "./libc.ts";
import { allocateMemory, arenaOf, type ByteArena, memoryOf } from "./memory.ts";
import { createPoller } from "./poller.ts";
import { SystemError } from "./system-error.ts";
import type { Memory, Udp, UdpOptions } from "./types.ts";
import { openUdp } from "./udp.ts";

const DATA = 0;
const ADDRESS = 79_000;
/** From asm-generic/socket.h. */
const SOL_SOCKET = 1;
const SO_NO_CHECK = 11;
const WAIT_US = 2_000;

for (const offload of [true, false]) {
  for (const family of ["127.0.0.1", "::1"]) {
    test(`a run of datagrams arrives whole and in order over ${family}, offload ${offload}`, () => {
      using pair = openPair(family, { offload });
      const { a, b, memory } = pair;
      fillPattern(memory, 10_000);
      memory.bytes.set(encodeAddress(family, b.port), ADDRESS);
      assert.equal(a.send(DATA, 10_000, 1200, ADDRESS), 10_000);
      const datagrams = collect(memory, b, 9);
      assert.deepEqual(
        datagrams.map((datagram) => datagram.length),
        [...new Array<number>(8).fill(1200), 400],
      );
      assert.deepEqual(Buffer.concat(datagrams), Buffer.from(memory.bytes.slice(DATA, DATA + 10_000)));
    });
  }
}

test("a run beyond 64 segments and 64 KiB is sent in several calls", () => {
  using pair = openPair("127.0.0.1", {});
  const { a, b, memory } = pair;
  fillPattern(memory, 20_000);
  memory.bytes.set(encodeAddress("127.0.0.1", b.port), ADDRESS);
  assert.equal(a.send(DATA, 20_000, 100, ADDRESS), 20_000);
  const datagrams = collect(memory, b, 200);
  assert.deepEqual(Buffer.concat(datagrams), Buffer.from(memory.bytes.slice(DATA, DATA + 20_000)));
});

test("an answer to a record leaves from the address that the datagram came to", () => {
  for (const [listen, target, shown] of [
    ["0.0.0.0", "127.0.0.77", "127.0.0.77"],
    ["::", "127.0.0.77", "127.0.0.77"],
    ["::", "::1", "[::1]"],
  ] as const) {
    using pair = openPair(target.includes(":") ? "::1" : "127.0.0.1", {}, listen);
    const { a, b, memory } = pair;
    memory.bytes.set(encodeAddress(target, b.port), ADDRESS);
    assert.equal(a.send(DATA, 100, 100, ADDRESS), 100);
    waitFor(b);
    assert.equal(b.receive(), 1);
    assert.equal(b.send(DATA, 50, 50, b.messageAddress(0)), 50);
    waitFor(a);
    assert.equal(a.receive(), 1);
    assert.equal(a.messageLength(0), 50);
    const record = memory.bytes.slice(a.messageAddress(0), a.messageAddress(0) + 64);
    assert.equal(formatAddress(record), `${shown}:${b.port}`);
  }
});

test("a dual-stack socket receives a run of either family as one message", () => {
  for (const target of ["127.0.0.1", "::1"]) {
    using pair = openPair(target, {}, "::");
    const { a, b, memory } = pair;
    memory.bytes.set(encodeAddress(target, b.port), ADDRESS);
    assert.equal(a.send(DATA, 10_000, 1200, ADDRESS), 10_000);
    waitFor(b);
    assert.equal(b.receive(), 1);
    assert.equal(b.messageLength(0), 10_000);
    assert.equal(b.messageSegment(0), 1200);
  }
});

test("equal ends give equal records, and another port another record", () => {
  using pair = openPair("127.0.0.1", {});
  const { a, b, memory } = pair;
  memory.bytes.set(encodeAddress("127.0.0.1", b.port), ADDRESS);
  const records = [a, a, pair.c].map((socket) => {
    socket.send(DATA, 10, 10, ADDRESS);
    waitFor(b);
    b.receive();
    return Buffer.from(memory.bytes.slice(b.messageAddress(0), b.messageAddress(0) + 64));
  });
  assert.deepEqual(records[0], records[1]);
  assert.notDeepEqual(records[0], records[2]);
});

test("the age of a message is the time that it waited in the socket", () => {
  for (const [family, listen] of [
    ["127.0.0.1", "127.0.0.1"],
    ["::1", "::1"],
    ["127.0.0.1", "::"],
  ] as const) {
    using pair = openPair(family, {}, listen);
    const { a, b, memory } = pair;
    memory.bytes.set(encodeAddress(family, b.port), ADDRESS);
    let ageUs = 0;
    // The kernel begins to stamp a little after the machine's first socket has asked for it.
    for (let i = 0; i < 100 && ageUs < WAIT_US; i++) {
      const sentAt = monotonicUs();
      a.send(DATA, 3_000, 1_000, ADDRESS);
      createPoller().wait(WAIT_US);
      assert.equal(b.receive(), 1);
      ageUs = b.messageAgeUs(0);
      assert.ok(ageUs <= monotonicUs() - sentAt, `${ageUs} µs is longer than the datagram exists`);
    }
    assert.ok(ageUs >= WAIT_US, `${ageUs} µs in the socket, ${WAIT_US} µs at least were waited`);
  }
});

test("a socket without traffic receives nothing", () => {
  using pair = openPair("127.0.0.1", {});
  assert.equal(pair.b.receive(), 0);
});

test("a datagram too large for the path is refused with -EMSGSIZE, and segmentation stays on", () => {
  using pair = openPair("127.0.0.1", {});
  const { a, b, memory } = pair;
  memory.bytes.set(encodeAddress("127.0.0.1", b.port), ADDRESS);
  assert.equal(a.send(DATA, 65_530, 65_530, ADDRESS), -90);
  assert.equal(a.send(DATA, 70_000, 65_530, ADDRESS), -90);
  assert.equal(a.gso, true);
});

test("where the kernel refuses a run but not its datagrams, they are sent one by one from then on", () => {
  const notices: string[] = [];
  using pair = openPair("127.0.0.1", { onNotice: (text) => notices.push(text) });
  const { a, b, memory } = pair;
  // Segmentation needs checksums: a socket without them refuses it with EINVAL, as a device without checksum offload does with EIO.
  const one = allocateMemory(8);
  one.view.setInt32(0, 1, true);
  assert.equal(setsockopt(a.fd, SOL_SOCKET, SO_NO_CHECK, one.address, 4), 0);
  fillPattern(memory, 5_000);
  memory.bytes.set(encodeAddress("127.0.0.1", b.port), ADDRESS);
  assert.equal(a.gso, true);
  for (let round = 0; round < 2; round++) {
    assert.equal(a.send(DATA, 5_000, 1000, ADDRESS), 5_000);
    assert.equal(collect(memory, b, 5).length, 5);
    assert.equal(a.gso, false);
  }
  assert.equal(notices.length, 1);
});

test("an unreachable network is a result, not an exception", () => {
  using pair = openPair("127.0.0.1", {});
  pair.memory.bytes.set(encodeAddress("192.0.2.1", 9), ADDRESS);
  assert.ok(pair.a.send(DATA, 100, 100, ADDRESS) < -1);
});

test("a taken port, an absent address and an absent device are errors that say what to do", () => {
  using pair = openPair("127.0.0.1", {});
  const { memory, arena, b } = pair;
  const open = (options: UdpOptions) => () => openUdp(memory, arena, options);
  assert.throws(open({ address: "127.0.0.1", port: b.port }), hasCode("EADDRINUSE", /choose another port/));
  assert.throws(open({ address: "192.0.2.7", port: 0 }), hasCode("EADDRNOTAVAIL", /check the address/));
  assert.throws(open({ address: "127.0.0.1", port: 0, device: "absent0" }), hasCode("ENODEV", /check its name/));
});

interface SocketPair extends Disposable {
  readonly memory: Memory;
  readonly arena: ByteArena;
  readonly a: Udp;
  readonly b: Udp;
  readonly c: Udp;
}

/** a and c are bound to `address`; b listens on `listen`. The first 80,000 bytes of the memory are the test's. */
function openPair(address: string, options: Partial<UdpOptions>, listen = address): SocketPair {
  const memory = memoryOf(new ArrayBuffer(6 << 20));
  const arena = arenaOf(memory, 80_000);
  const a = openUdp(memory, arena, { address, port: 0, ...options });
  const b = openUdp(memory, arena, { address: listen, port: 0, dualStack: listen === "::", ...options });
  const c = openUdp(memory, arena, { address, port: 0, ...options });
  const close = () => {
    for (const socket of [a, b, c]) socket.close();
  };
  return { memory, arena, a, b, c, [Symbol.dispose]: close };
}

function waitFor(socket: Udp): void {
  const poller = createPoller();
  poller.add(socket.fd);
  assert.equal(poller.wait(2e6), 1, "nothing arrived");
}

/** Receives `count` datagrams, cut at their segment size. */
function collect(memory: Memory, socket: Udp, count: number): Buffer[] {
  const datagrams: Buffer[] = [];
  while (datagrams.length < count) {
    waitFor(socket);
    const messages = socket.receive();
    for (let i = 0; i < messages; i++) {
      const start = socket.messageOffset(i);
      const end = start + socket.messageLength(i);
      for (let at = start; at < end; at += socket.messageSegment(i)) {
        datagrams.push(Buffer.from(memory.bytes.slice(at, Math.min(end, at + socket.messageSegment(i)))));
      }
    }
  }
  return datagrams;
}

function fillPattern(memory: Memory, length: number): void {
  for (let i = 0; i < length; i++) memory.bytes[DATA + i] = (i * 31 + (i >> 8)) & 0xff;
}

function hasCode(code: string, advice: RegExp) {
  return (error: unknown) => error instanceof SystemError && error.code === code && advice.test(error.message);
}
