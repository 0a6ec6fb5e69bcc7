import assert from "node:assert/strict";
import { test } from "node:test";
import { BondPair, micros, pathId } from "../test-support.ts";
import type { PathPlan } from "../types.ts";
import { SEAL_BYTES } from "../wire/data-header.ts";
import { LANE_HEADER } from "../wire/lane-header.ts";

const IP_UDP_BYTES = 28;
const UDP = 17;
const ICMP = 1;

test("packets arrive unchanged, once and in order, over several paths and in both directions", () => {
  const pair = openPair(3);
  for (let mark = 0; mark < 100; mark++) {
    pair.send(pair.client, 100 + mark, mark);
    pair.send(pair.server, 1_400, 255 - mark);
    pair.run(1_000);
  }
  pair.run(200_000);
  assert.deepEqual(marks(pair.delivered.server), range(100));
  assert.deepEqual(
    pair.delivered.server.map((bytes) => bytes.length),
    range(100).map((n) => 100 + n),
  );
  assert.deepEqual(
    marks(pair.delivered.client),
    range(100).map((n) => 255 - n),
  );
});

test("a path is up when it has answered, and the bond says so once", () => {
  const pair = openPair(1);
  const events = drainEvents(pair);
  assert.deepEqual(events, ["path-up 0"]);
  const stats = pair.client.bond.pathStats(pathId(0));
  assert.equal(stats.state, "up");
  assert.ok(Math.abs(stats.srttUs - 20_000) < 3_000, `srtt ${stats.srttUs}`);
});

test("what datagrams wait in the sockets is no part of the round trip", () => {
  const pair = openPair(1);
  pair.waitUs = 4_000;
  pair.run(3_000_000);
  const { srttUs } = pair.client.bond.pathStats(pathId(0));
  assert.ok(Math.abs(srttUs - 12_000) < 2_000, `srtt ${srttUs}`);
});

test("a lost datagram is repaired, and the receiver sees no gap", () => {
  const pair = openPair(2);
  let count = 0;
  pair.filter = (_path, fromClient, bytes) => !fromClient || bytes.length < 500 || ++count % 10 !== 0;
  for (let mark = 0; mark < 200; mark++) {
    pair.send(pair.client, 1_000, mark);
    pair.run(500);
  }
  pair.run(500_000);
  assert.deepEqual(marks(pair.delivered.server), range(200));
  assert.equal(pair.server.bond.stats().skippedGaps, 0);
  const sent = pair.client.bond.pathIds().map((id) => pair.client.bond.pathStats(id));
  const repairedPackets = sent.reduce((sum, path) => sum + path.repairedPackets, 0);
  assert.ok(repairedPackets >= 20);
  const repairedBytes = sent.reduce((sum, path) => sum + path.repairedBytes, 0);
  assert.equal(repairedBytes, repairedPackets * (1_000 + LANE_HEADER.LENGTH + SEAL_BYTES + IP_UDP_BYTES));
});

test("an end that has nothing to send sends acks and probes, and each byte counts as one of them", () => {
  const pair = openPair(2);
  for (let mark = 0; mark < 200; mark++) {
    pair.send(pair.client, 1_000, mark);
    pair.run(500);
  }
  for (const id of pair.server.bond.pathIds()) {
    const { txBytes, txAckBytes, txProbeBytes } = pair.server.bond.pathStats(id);
    assert.equal(txAckBytes + txProbeBytes, txBytes);
  }
  const [first] = pair.server.bond.pathIds().map((id) => pair.server.bond.pathStats(id));
  assert.ok(first!.txAckBytes > 0 && first!.txProbeBytes > 0);
});

test("a path that swallows everything is left within a few round trips, and nothing is lost", () => {
  const pair = openPair(2);
  for (let mark = 0; mark < 50; mark++) pair.send(pair.client, 1_000, mark);
  pair.run(100_000);
  pair.filter = (path) => path !== 0;
  const cutAt = pair.now;
  for (let mark = 50; mark < 250; mark++) {
    pair.send(pair.client, 1_000, mark);
    pair.run(500);
  }
  pair.run(100_000);
  assert.deepEqual(marks(pair.delivered.server), range(250));
  const stalled = drainEvents(pair).filter((event) => event.startsWith("path-stalled"));
  assert.deepEqual(stalled, ["path-stalled 0"]);
  assert.equal(pair.client.bond.pathStats(pathId(0)).state, "stalled");
  pair.filter = () => true;
  pair.run(700_000);
  assert.equal(pair.client.bond.pathStats(pathId(0)).state, "up", `cut at ${cutAt}, back at ${pair.now}`);
});

test("a suspended path's packets go out over another one at once", () => {
  const pair = openPair(2);
  pair.delayUs = 50_000;
  for (let mark = 0; mark < 40; mark++) pair.send(pair.client, 1_000, mark);
  pair.filter = (path) => path !== 0;
  pair.client.bond.suspendPath(pathId(0), micros(pair.now));
  pair.drain();
  pair.run(300_000);
  assert.deepEqual(marks(pair.delivered.server), range(40));
  assert.equal(pair.client.bond.pathStats(pathId(0)).state, "suspended");
});

test("packet numbers go on over a suspension", () => {
  const pair = openPair(1);
  const before = pair.client.bond.pathStats(pathId(0)).txPackets;
  pair.client.bond.suspendPath(pathId(0), micros(pair.now));
  pair.run(50_000);
  pair.client.bond.resumePath(pathId(0), { name: "path0", maxDatagramBytes: 1_472 }, micros(pair.now));
  pair.run(300_000);
  assert.equal(pair.client.bond.pathStats(pathId(0)).state, "up");
  assert.ok(pair.client.bond.pathStats(pathId(0)).txPackets > before);
  assert.equal(pair.server.bond.stats().drops.replayed, 0);
});

test("a packet larger than a path's datagram travels in halves", () => {
  const pair = openPair(1, { maxDatagramBytes: 1_200 });
  for (let mark = 0; mark < 30; mark++) pair.send(pair.client, 1_501 + (mark % 2) * 300, mark);
  pair.run(300_000);
  assert.deepEqual(marks(pair.delivered.server), range(30));
  assert.deepEqual(
    pair.delivered.server.map((bytes) => bytes.length),
    range(30).map((n) => 1_501 + (n % 2) * 300),
  );
});

test("backup paths carry packets only when no primary is up, metered ones last", () => {
  const pair = openPair(3);
  const plan = (role: PathPlan["role"]): PathPlan => ({ enabled: true, role, weight: 1, rateLimitBps: 0 });
  const paths = new Map([
    [pathId(0), plan("metered")],
    [pathId(1), plan("backup")],
    [pathId(2), plan("primary")],
  ]);
  pair.client.bond.applyPlan({ algorithm: "adaptive", paths }, micros(pair.now));
  pair.run(1_000_000);
  const carried = (): number[] => {
    const before = [0, 1, 2].map((id) => pair.client.bond.pathStats(pathId(id)).txBytes);
    for (let mark = 0; mark < 20; mark++) pair.send(pair.client, 1_000, mark);
    pair.run(20_000);
    return [0, 1, 2].filter((id) => pair.client.bond.pathStats(pathId(id)).txBytes > before[id]! + 2_000);
  };
  assert.deepEqual(carried(), [2]);
  pair.client.bond.suspendPath(pathId(2), micros(pair.now));
  assert.deepEqual(carried(), [1]);
  pair.client.bond.suspendPath(pathId(1), micros(pair.now));
  assert.deepEqual(carried(), [0]);
});

test("a rate limit of the plan is kept", () => {
  const pair = openPair(1);
  const limited: PathPlan = { enabled: true, role: "primary", weight: 1, rateLimitBps: 2e6 };
  pair.client.bond.applyPlan({ algorithm: "adaptive", paths: new Map([[pathId(0), limited]]) }, micros(pair.now));
  pair.run(1_000_000);
  const before = pair.client.bond.pathStats(pathId(0)).txBytes;
  for (let mark = 0; mark < 250; mark++) pair.send(pair.client, 1_000, mark);
  pair.run(500_000);
  const bytes = pair.client.bond.pathStats(pathId(0)).txBytes - before;
  assert.ok(Math.abs(bytes - 125_000) < 12_500, `${bytes} bytes in half a second at 2 Mbit/s`);
});

test("a ping overtakes a backlog", () => {
  const pair = openPair(1);
  for (let mark = 0; mark < 250; mark++) pair.send(pair.client, 1_400, mark, 5_000, UDP);
  pair.run(5_000);
  pair.send(pair.client, 84, 251, 0, ICMP);
  pair.run(20_000);
  const pingAt = pair.delivered.server.findIndex((bytes) => bytes.length === 84);
  assert.ok(pingAt >= 0 && pingAt < 200, `delivered as number ${pingAt}`);
});

test("datagrams of a backlog leave in runs of equal size", () => {
  const pair = openPair(1);
  pair.run(1_500_000);
  const { bond, pool } = pair.client;
  for (let i = 0; i < 60; i++) {
    const slot = pool.alloc();
    pair.arena.bytes.set([0x45], pool.packetOffset(slot));
    pool.length[slot] = 1_400;
    bond.handleInner(slot, micros(pair.now));
  }
  const path = bond.pollTransmit(micros(pair.now));
  assert.equal(path, 0);
  const { datagrams, lengthBytes, segmentBytes } = bond.run;
  assert.ok(datagrams >= 2, `${datagrams} datagrams`);
  assert.equal(segmentBytes, 1_400 + 36);
  assert.equal(lengthBytes, datagrams * segmentBytes);
});

test("a full queue loses a packet of the fattest flow, and the far end does not wait for it", () => {
  const pair = new BondPair({ bond: { queuePackets: 50 } });
  pair.open(0);
  pair.run(1_000_000);
  for (let mark = 0; mark < 120; mark++) pair.send(pair.client, 1_400, mark, 5_000);
  pair.send(pair.client, 1_400, 200, 6_000);
  pair.run(1_000_000);
  const delivered = marks(pair.delivered.server);
  assert.ok(delivered.includes(200), "the lean flow keeps its packet");
  assert.equal(delivered.length + pair.client.bond.stats().queueDrops, 121);
  assert.ok(pair.client.bond.stats().queueDrops > 0);
  assert.equal(pair.server.bond.stats().skippedGaps, 0);
  assert.equal(pair.server.bond.stats().resequencingPackets, 0);
});

test("closing gives every buffer back", () => {
  const pair = openPair(2);
  for (let mark = 0; mark < 200; mark++) pair.send(pair.client, 1_400, mark);
  pair.run(7_000);
  for (const { bond, pool } of [pair.client, pair.server]) {
    bond.close();
    assert.equal(pool.freeSlots, pool.slots);
  }
});

test("keys change without a lost packet", () => {
  const pair = openPair(1);
  const keys = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)] as const;
  for (let mark = 0; mark < 60; mark++) {
    if (mark === 20) pair.server.bond.installKeys(2, keys[1], keys[0], micros(pair.now));
    if (mark === 30) pair.client.bond.installKeys(2, keys[0], keys[1], micros(pair.now));
    pair.send(pair.client, 500, mark);
    pair.send(pair.server, 500, mark);
    pair.run(1_000);
  }
  pair.run(100_000);
  assert.deepEqual(marks(pair.delivered.server), range(60));
  assert.deepEqual(marks(pair.delivered.client), range(60));
});

test("mistakes of the caller are named", () => {
  const pair = openPair(1);
  const options = { name: "x", maxDatagramBytes: 1_472 };
  const { bond } = pair.client;
  assert.throws(() => bond.openPath(pathId(0), options, micros(0)), { code: "path-exists" });
  assert.throws(() => bond.openPath(pathId(255), options, micros(0)), { code: "path-unknown" });
  assert.throws(() => bond.pathStats(pathId(9)), { code: "path-unknown" });
  assert.throws(() => bond.openPath(pathId(1), { ...options, maxDatagramBytes: 576 }, micros(0)), {
    code: "path-too-small",
  });
});

function openPair(paths: number, options: { maxDatagramBytes?: number } = {}): BondPair {
  const pair = new BondPair();
  for (let id = 0; id < paths; id++) pair.open(id, options);
  pair.run(100_000);
  return pair;
}

function marks(packets: readonly number[][]): number[] {
  return packets.map((bytes) => bytes.at(-1)!);
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

function drainEvents(pair: BondPair): string[] {
  return drain(pair.client.bond);
}

function drain(bond: BondPair["client"]["bond"]): string[] {
  const events: string[] = [];
  for (let event = bond.pollEvent(); event !== undefined; event = bond.pollEvent()) {
    events.push(`${event.kind} ${"path" in event ? event.path : event.epoch}`);
  }
  return events;
}
