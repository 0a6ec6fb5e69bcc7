import assert from "node:assert/strict";
import { test } from "node:test";
import { CLIENT_SESSION, establish, ipv4, ipv6, POOL_SLOTS, SERVER_PORT, SERVER_SESSION } from "./test-loops.ts";

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

test("a lone packet has left before the device is asked for another", () => {
  const bond = establish();
  const { tun } = bond.client;
  const read = tun.read.bind(tun);
  const sends: number[] = [];
  tun.read = (offset) => {
    sends.push(bond.client.counters().work["udp-sends"]);
    return read(offset);
  };
  tun.toRead.push(ipv4("10.231.0.2", "198.51.100.7", 40));
  bond.client.loop.turn();
  assert.deepEqual(sends, [sends[0], sends[0]! + 1]);
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
  const open = { kind: "open-path", ...path, name: "link0", maxDatagramBytes: 1472, headerBytes: 28 } as const;
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

function lengths(packets: readonly Uint8Array[]): number[] {
  return packets.map(({ length }) => length);
}
