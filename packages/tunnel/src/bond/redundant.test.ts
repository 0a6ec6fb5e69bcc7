import assert from "node:assert/strict";
import { test } from "node:test";
import { BondPair, micros, pathId } from "../test-support.ts";
import type { BondPlan } from "../types.ts";

const PACKETS = 200;
const MARKS = Array.from({ length: PACKETS }, (_, mark) => mark);

test("each packet leaves over as many paths as there are to be copies, and is delivered once", () => {
  for (const [copies, expected] of [
    [2, 2],
    [3, 3],
    [0, 3],
    [9, 3],
  ] as const) {
    const { pair, sent } = openRedundant(3, copies);
    send(pair);
    assert.deepEqual(marks(pair), MARKS);
    assert.equal(sum(sent), expected * PACKETS, `${copies} copies: ${sent}`);
    assert.equal(pair.server.bond.stats().duplicatePackets, (expected - 1) * PACKETS);
    assert.equal(pair.client.bond.stats().copiedPackets, (expected - 1) * PACKETS);
    assert.equal(pair.client.bond.stats().skippedCopies, 0);
  }
});

test("what one path loses the other has brought: no packet is sent again, and none waits", () => {
  const { pair } = openRedundant(2, 2);
  let count = 0;
  pair.filter = (path, fromClient, bytes) => !(fromClient && path === 0 && bytes.length > 500 && ++count % 5 === 0);
  send(pair, () => assert.equal(pair.server.bond.stats().resequencingPackets, 0));
  assert.deepEqual(marks(pair), MARKS);
  assert.equal(repaired(pair), 0);
});

test("a packet of which all copies are lost is repaired", () => {
  const { pair } = openRedundant(2, 2);
  const lost = new Set([20, 21, 90]);
  const seen = new Map<number, number>();
  pair.filter = (_path, fromClient, bytes) => {
    if (!fromClient || bytes.length < 500) return true;
    // The toy cipher does not hide the packet: its mark stands ahead of the tag.
    const mark = bytes[bytes.length - 17]!;
    seen.set(mark, (seen.get(mark) ?? 0) + 1);
    return !(lost.has(mark) && seen.get(mark)! <= 2);
  };
  send(pair);
  assert.deepEqual(marks(pair), MARKS);
  assert.ok(repaired(pair) >= lost.size);
  assert.equal(pair.server.bond.stats().skippedGaps, 0);
});

test("a path that dies silently delays nothing", () => {
  const { pair } = openRedundant(2, 2);
  let longestUs = 0;
  let since = pair.now;
  let delivered = 0;
  const watch = (): void => {
    if (pair.delivered.server.length > delivered) {
      longestUs = Math.max(longestUs, pair.now - since);
      delivered = pair.delivered.server.length;
      since = pair.now;
    }
    if (delivered === PACKETS / 2) pair.filter = (path) => path !== 0;
  };
  send(pair, watch);
  assert.deepEqual(marks(pair), MARKS);
  assert.ok(longestUs <= pair.delayUs + 2_000, `nothing came for ${longestUs} µs`);
});

test("a path without room does not hold the packets back: its copies are left out and counted", () => {
  const { pair, sent } = openRedundant(2, 2, { 1: 200_000 });
  send(pair);
  const { skippedCopies, copiedPackets } = pair.client.bond.stats();
  assert.deepEqual(marks(pair), MARKS);
  assert.equal(sent[0], PACKETS);
  assert.ok(sent[1]! < PACKETS / 2, `${sent}`);
  assert.equal(skippedCopies + copiedPackets, PACKETS);
});

test("a copy for a path of smaller datagrams travels in halves", () => {
  const { pair, sent } = openRedundant(2, 2, {}, 1_400, 1_200);
  send(pair, () => {}, 1_360);
  assert.deepEqual(marks(pair), MARKS);
  assert.deepEqual([...sent].sort(), [PACKETS, 2 * PACKETS]);
  assert.equal(repaired(pair), 0);
});

test("nothing is held in memory when all is acknowledged", () => {
  const { pair } = openRedundant(3, 0);
  send(pair);
  pair.run(2_000_000);
  for (const { bond, pool } of [pair.client, pair.server]) {
    assert.equal(pool.slots - pool.freeSlots, bond.pathIds().length);
    bond.close();
    assert.equal(pool.slots, pool.freeSlots);
  }
});

/** A pair under the redundant plan, all paths up, and the datagrams with packets that each path carried. */
function openRedundant(
  paths: number,
  copies: number,
  limitsBps: Readonly<Record<number, number>> = {},
  ...maxDatagramBytes: number[]
): { pair: BondPair; sent: number[] } {
  const pair = new BondPair({ slots: 2_048 });
  for (let id = 0; id < paths; id++) pair.open(id, { maxDatagramBytes: maxDatagramBytes[id] ?? 1_472 });
  const plan: BondPlan = {
    algorithm: "redundant",
    copies,
    paths: new Map(
      Array.from({ length: paths }, (_, id) => [
        pathId(id),
        { enabled: true, role: "primary", weight: 1, rateLimitBps: limitsBps[id] ?? 0 },
      ]),
    ),
  };
  for (const { bond } of [pair.client, pair.server]) bond.applyPlan(plan, micros(pair.now));
  pair.run(3_000_000);
  const sent = Array.from({ length: paths }, () => 0);
  pair.filter = (path, fromClient, bytes) => {
    if (fromClient && bytes.length > 500) sent[path]!++;
    return true;
  };
  return { pair, sent };
}

/** 4 Mbit/s. */
function send(pair: BondPair, watch: () => void = () => {}, length = 1_000): void {
  for (const mark of MARKS) {
    pair.send(pair.client, length, mark);
    for (let i = 0; i < 4; i++) {
      pair.run(500);
      watch();
    }
  }
  pair.run(500_000);
}

function marks(pair: BondPair): number[] {
  return pair.delivered.server.map((bytes) => bytes.at(-1)!);
}

function repaired(pair: BondPair): number {
  return sum(pair.client.bond.pathIds().map((id) => pair.client.bond.pathStats(id).repairedPackets));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
