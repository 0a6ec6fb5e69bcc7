import assert from "node:assert/strict";
import { test } from "node:test";
import { createAead } from "@edgebos/linux-io";
import { Arena, PacketPool, type PathId } from "@edgebos/tunnel";
import { parseAddress } from "../host/addresses.ts";
import type { Command, LinkSocket, LoopMessage } from "./commands.ts";
import { createCounters, readCounters } from "./counters.ts";
import { ForwardingLoop } from "./loop.ts";
import { memoryIo, TestNetwork } from "./memory-io.ts";

const SERVER_PORT = 8443;
const SERVER_SESSION = 7;
const CLIENT_SESSION = 9;
const POOL_SLOTS = 1024;

test("packets of both families go from device to device, both ways", () => {
  const bond = establish();
  const sent = [ipv4("10.231.0.2", "198.51.100.7", 1000), ipv6("fdeb::2", "2001:db8::7", 300)];
  bond.client.tun.toRead.push(...sent);
  bond.run(50);
  assert.deepEqual(bond.server.tun.written, sent);

  const answers = [ipv4("198.51.100.7", "10.231.0.2", 40), ipv6("2001:db8::7", "fdeb::2", 1200)];
  bond.server.tun.toRead.push(...answers);
  bond.run(50);
  assert.deepEqual(bond.client.tun.written, answers);
});

test("equal packets that wait in the device share sends, and arrive", () => {
  const bond = establish();
  const sent = Array.from({ length: 60 }, () => ipv4("10.231.0.2", "198.51.100.7", 100));
  const sendsBefore = bond.client.counters().work["udp-sends"];
  bond.client.tun.toRead.push(...sent);
  bond.run(2);
  assert.ok(bond.client.counters().work["udp-sends"] - sendsBefore < 6);
  bond.run(50);
  assert.equal(bond.server.tun.written.length, sent.length);
});

test("a packet that does not come from the client's inner address is dropped and counted", () => {
  const bond = establish();
  bond.client.tun.toRead.push(ipv4("10.231.0.3", "198.51.100.7", 100), ipv6("fe80::1", "ff02::2", 16));
  bond.run(50);
  assert.deepEqual(bond.server.tun.written, []);
  assert.equal(bond.server.counters().edgeDrops["spoofed-source"], 2);
});

test("the server has no session for an address that no client has", () => {
  const bond = establish();
  bond.server.tun.toRead.push(ipv4("198.51.100.7", "10.231.0.9", 100), ipv6("2001:db8::7", "fdeb:1::2", 100));
  bond.run(10);
  assert.deepEqual(bond.client.tun.written, []);
  assert.equal(bond.server.counters().edgeDrops["no-session"], 2);
});

test("what is no IP packet is dropped and counted", () => {
  const bond = establish();
  bond.server.tun.toRead.push(new Uint8Array(3), new Uint8Array(64).fill(0xff));
  bond.run(10);
  assert.equal(bond.server.counters().edgeDrops["no-session"], 2);
});

test("strangers' datagrams are dropped by reason and get no answer", () => {
  const bond = establish();
  const stranger = bond.network.freePort();
  const answers = bond.listenOn(stranger);
  for (const bytes of [new Uint8Array(27), new Uint8Array(100), new Uint8Array(100).fill(0x40)]) {
    bond.network.sockets.get(SERVER_PORT)?.queue.push({ bytes, segment: bytes.length, from: stranger, at: 0 });
  }
  bond.run(20);
  const { drops } = bond.server.counters();
  assert.deepEqual([drops.truncated, drops["bad-version"], drops["unknown-session"]], [1, 1, 1]);
  assert.equal(answers.length, 0);
});

test("packets go on over the other link when sending on one fails, and the link comes back", () => {
  const bond = establish({ links: 2 });
  for (const udp of bond.client.io.opened) if (udp.port === bond.client.portOf(0)) udp.failWith = ENETUNREACH;
  const sent = Array.from({ length: 20 }, (_, i) => ipv4("10.231.0.2", "198.51.100.7", 100 + i));
  bond.client.tun.toRead.push(...sent);
  bond.run(500);
  assert.deepEqual(lengths(bond.server.tun.written), lengths(sent));
  const kinds = () => bond.client.said.filter((message) => message.kind.startsWith("link-")).map(({ kind }) => kind);
  assert.deepEqual(kinds(), ["link-lost"]);
  bond.run(2000);
  assert.deepEqual(kinds(), ["link-lost", "link-back"]);
  assert.equal(bond.client.io.opened.length, 2);
});

test("datagrams that the interface refuses as too long go out again, shorter, and no packet is lost", () => {
  const bond = establish();
  const udp = bond.client.io.opened[0]!;
  udp.datagramMaxBytes = 1_372;
  const sent = Array.from({ length: 40 }, (_, i) => ipv4("10.231.0.2", "198.51.100.7", 1_397 + i));
  bond.client.tun.toRead.push(...sent);
  bond.run(500);
  assert.deepEqual(lengths(bond.server.tun.written), lengths(sent));
  const counters = bond.client.counters();
  assert.ok(counters.work["udp-runs-refused"] > 0);
  assert.equal(counters.edgeDrops["send-failed"], 0);
});

test("packets go on through a change of keys", () => {
  const bond = establish();
  const sent = Array.from({ length: 30 }, (_, i) => ipv4("10.231.0.2", "198.51.100.7", 500 + i));
  for (const [i, packet] of sent.entries()) {
    if (i === 10) bond.server.installKeys(SERVER_SESSION, 2);
    if (i === 20) bond.client.installKeys(CLIENT_SESSION, 2);
    bond.client.tun.toRead.push(packet);
    bond.server.tun.toRead.push(ipv4("198.51.100.7", "10.231.0.2", 500 + i));
    bond.run(5);
  }
  bond.run(50);
  assert.deepEqual(lengths(bond.server.tun.written), lengths(sent));
  assert.deepEqual(lengths(bond.client.tun.written), lengths(sent));
});

test("a path that is announced again goes on undisturbed, one that was suspended starts afresh", () => {
  const bond = establish();
  const timesUp = () =>
    bond.server.said.filter((message) => message.kind === "event" && message.event.kind === "path-up").length;
  const path = { session: SERVER_SESSION, path: 0 };
  const open = { kind: "open-path", ...path, name: "link0", maxDatagramBytes: 1472 } as const;
  assert.equal(timesUp(), 1);
  bond.server.post(open);
  bond.run(1500);
  assert.equal(timesUp(), 1);
  bond.server.post({ kind: "suspend-path", ...path });
  bond.server.post(open);
  bond.run(1500);
  assert.equal(timesUp(), 2);
});

test("a new session takes over the links, and a stop gives every buffer and socket back", () => {
  const bond = establish();
  bond.open(SERVER_SESSION + 1, CLIENT_SESSION);
  bond.run(300);
  const packet = ipv4("10.231.0.2", "198.51.100.7", 200);
  bond.client.tun.toRead.push(packet);
  bond.run(50);
  assert.deepEqual(bond.server.tun.written, [packet]);
  for (const end of [bond.client, bond.server]) {
    end.post({ kind: "stop", removeDevice: true });
    assert.deepEqual(end.loop.run(), { kind: "stop", removeDevice: true });
    assert.equal(end.pool.freeSlots, POOL_SLOTS);
    assert.equal(end.io.opened.length, 0);
  }
});

test("a snapshot names each path with its remote address", () => {
  const bond = establish({ links: 2 });
  bond.run(1000);
  const latest = bond.server.said.filter((message) => message.kind === "snapshot").at(-1);
  assert.deepEqual(
    latest?.sessions.flatMap(({ paths }) => paths.map(({ name, state, remote }) => [name, state, remote])),
    [0, 1].map((path) => [`link${path}`, "up", `0.0.0.0:${bond.client.portOf(path)}`]),
  );
});

test("what the kernel answers within a write is sent before the loop waits", () => {
  const bond = establish();
  const echo = ipv4("198.51.100.7", "10.231.0.2", 40);
  bond.server.tun.answer = () => [echo];
  bond.server.poll.tellsOfTun = false;
  bond.client.tun.toRead.push(ipv4("10.231.0.2", "198.51.100.7", 40));
  bond.run(50);
  assert.deepEqual(bond.client.tun.written, [echo]);
});

test("what datagrams wait for a loop that rests is no part of the round trip", () => {
  const bond = establish();
  const until = bond.clock.now + 1_000_000;
  for (let step = 0; bond.clock.now < until; step++) {
    bond.clock.now += 500;
    while (bond.client.loop.turn());
    if (step % 8 === 0) while (bond.server.loop.turn());
  }
  const latest = bond.client.said.filter((message) => message.kind === "snapshot").at(-1);
  const { srttUs } = latest!.sessions[0]!.paths[0]!;
  assert.ok(srttUs < 100, `srtt ${srttUs}`);
});

const ENETUNREACH = 101;

/** Both ends with keys, one session and `links` paths that are up. */
function establish({ links = 1 } = {}) {
  const network = new TestNetwork();
  const clock = { now: 1_000_000 };
  const server = end("server", network, clock);
  const client = end("client", network, clock);
  const run = (durationMs: number): void => {
    for (const until = clock.now + durationMs * 1000; clock.now < until; clock.now += 500) {
      while (client.loop.turn() || server.loop.turn());
    }
  };
  const open = (serverSession: number, clientSession: number): void => {
    server.open(serverSession, clientSession);
    client.open(clientSession, serverSession);
  };
  for (let path = 0; path < links; path++) client.post({ kind: "set-link", link: linkSocket(path) });
  open(SERVER_SESSION, CLIENT_SESSION);
  for (let path = 0; path < links; path++) {
    server.post({ kind: "open-path", session: SERVER_SESSION, path, name: `link${path}`, maxDatagramBytes: 1472 });
  }
  run(300);
  return {
    network,
    clock,
    client,
    server,
    run,
    open: (serverSession: number, clientSession: number) => {
      server.post({ kind: "close-session", session: SERVER_SESSION });
      open(serverSession, clientSession);
      server.post({ kind: "open-path", session: serverSession, path: 0, name: "link0", maxDatagramBytes: 1472 });
    },
    listenOn: (port: number) => {
      const queue: unknown[] = [];
      network.sockets.set(port, { queue } as never);
      return queue;
    },
  };
}

function end(role: "client" | "server", network: TestNetwork, clock: { now: number }) {
  const arena = new Arena(16 * 1024 * 1024);
  const pool = new PacketPool(arena, { slots: POOL_SLOTS });
  const io = memoryIo(arena, network, clock);
  const commands: Command[] = [];
  const said: LoopMessage[] = [];
  const counters = createCounters();
  const poll = { tellsOfTun: true };
  const readable = (index: number): boolean => {
    if (index === WAKE_INDEX) return commands.length > 0;
    return (index !== SERVER_TUN_INDEX || poll.tellsOfTun) && io.poller.readable(index);
  };
  const loop = new ForwardingLoop({
    settings: { role, port: SERVER_PORT, counters },
    io: { ...io, poller: { ...io.poller, readable } },
    arena,
    pool,
    aeadOf: (cipher) => createAead(io.memory, cipher),
    wake: { fd: -1, clear: () => undefined },
    nextCommand: () => commands.shift(),
    say: (message) => said.push(message),
    routes: undefined,
  });
  const post = (command: Command) => commands.push(command);
  const installKeys = (session: number, epoch: number): void => {
    const [ours, theirs] = role === "client" ? [1, 2] : [2, 1];
    const [sendKey, receiveKey] = [ours, theirs].map((half) => new Uint8Array(32).fill(16 * epoch + half));
    post({ kind: "install-keys", session, epoch, sendKey: sendKey!, receiveKey: receiveKey! });
  };
  return {
    loop,
    io,
    pool,
    tun: io.tun,
    poll,
    said,
    post,
    installKeys,
    counters: () => readCounters(counters),
    /** Links open their sockets in the order of their numbers. */
    portOf: (path: number) => 50_000 + path,
    open: (session: number, remoteSession: number) => {
      const inner = { host: 2, innerV4: parseAddress("10.231.0.2"), innerV6: parseAddress("fdeb::2") };
      post({ kind: "open-session", session, remoteSession, cipher: "aes-256-gcm", ...inner });
      installKeys(session, 1);
      post({ kind: "apply-plan", session, plan: { algorithm: "adaptive", paths: new Map([[0 as PathId, PRIMARY]]) } });
    },
  };
}

/** Descriptors in the order in which a loop adds them. */
const WAKE_INDEX = 0;
const SERVER_TUN_INDEX = 1;
const PRIMARY = { enabled: true, role: "primary", weight: 1, rateLimitBps: 0 } as const;

function linkSocket(path: number): LinkSocket {
  return {
    path,
    name: `link${path}`,
    device: `link${path}`,
    ifindex: path + 2,
    address: `10.1.${path}.2`,
    serverAddress: "203.0.113.1",
    serverPort: SERVER_PORT,
    maxDatagramBytes: 1472,
  };
}

/** An IPv4 packet of protocol 253 (RFC 3692), whose payload counts up. */
function ipv4(source: string, destination: string, payloadBytes: number): Uint8Array {
  const packet = new Uint8Array(20 + payloadBytes).map((_, i) => i);
  packet.set([0x45, 0, packet.length >> 8, packet.length, 0, 0, 0, 0, 64, 253, 0, 0]);
  packet.set(parseAddress(source), 12);
  packet.set(parseAddress(destination), 16);
  return packet;
}

function ipv6(source: string, destination: string, payloadBytes: number): Uint8Array {
  const packet = new Uint8Array(40 + payloadBytes).map((_, i) => i);
  packet.set([0x60, 0, 0, 0, payloadBytes >> 8, payloadBytes, 253, 64]);
  packet.set(parseAddress(source), 8);
  packet.set(parseAddress(destination), 24);
  return packet;
}

function lengths(packets: readonly Uint8Array[]): number[] {
  return packets.map(({ length }) => length);
}
