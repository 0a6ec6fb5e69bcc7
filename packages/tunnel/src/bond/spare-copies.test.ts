import assert from "node:assert/strict";
import { test } from "node:test";
import { BondPair, micros, pathId } from "../test-support.ts";
import type { Algorithm, BondPlan, LinkRole } from "../types.ts";

const PACKETS = 200;
const MARKS = Array.from({ length: PACKETS }, (_, mark) => mark);

test("packets over paths that lose some travel twice, are delivered once, and none is sent again in vain", () => {
  const pair = openLossy("adaptive", "primary");
  const before = pair.client.bond.stats().copiedPackets;
  const repairedBefore = repaired(pair);
  loseEvery(pair, 10);
  send(pair);
  assert.deepEqual(marks(pair), MARKS);
  assert.equal(pair.client.bond.stats().copiedPackets - before, PACKETS);
  assert.equal(repaired(pair), repairedBefore);
});

test("a path without loss, a metered path and other algorithms carry everything once", () => {
  const clean = openPair("adaptive", "primary");
  send(clean);
  assert.equal(clean.client.bond.stats().copiedPackets, 0);
  for (const pair of [openLossy("adaptive", "metered"), openLossy("round-robin", "primary")]) {
    send(pair);
    assert.deepEqual(marks(pair), MARKS);
    assert.equal(pair.client.bond.stats().copiedPackets, 0);
  }
});

test("nothing is held in memory when all is acknowledged", () => {
  const pair = openLossy("adaptive", "primary");
  send(pair);
  pair.run(3_000_000);
  for (const { bond, pool } of [pair.client, pair.server]) {
    assert.equal(pool.slots - pool.freeSlots, bond.pathIds().length);
    bond.close();
    assert.equal(pool.slots, pool.freeSlots);
  }
});

function openPair(algorithm: Algorithm, role: LinkRole): BondPair {
  const pair = new BondPair({ slots: 2_048 });
  for (const id of [0, 1]) pair.open(id);
  const paths = [0, 1].map((id) => [pathId(id), { enabled: true, role, weight: 1, rateLimitBps: 0 }] as const);
  const plan: BondPlan = { algorithm, paths: new Map(paths) };
  for (const { bond } of [pair.client, pair.server]) bond.applyPlan(plan, micros(pair.now));
  pair.run(3_000_000);
  return pair;
}

/** Both paths have lost a share of what the client sent. */
function openLossy(algorithm: Algorithm, role: LinkRole): BondPair {
  const pair = openPair(algorithm, role);
  loseEvery(pair, 5);
  send(pair);
  pair.filter = () => true;
  pair.delivered.server.length = 0;
  return pair;
}

/** Of the client's packets and copies over either path, one of so many in a row gets lost, never both of a packet. */
function loseEvery(pair: BondPair, period: number): void {
  const lost = new Set<number>();
  let count = 0;
  pair.filter = (_path, fromClient, bytes) => {
    // The toy cipher does not hide the packet: its mark stands ahead of the tag.
    const mark = bytes[bytes.length - 17]!;
    if (!fromClient || bytes.length < 500 || ++count % period !== 0 || lost.has(mark)) return true;
    lost.add(mark);
    return false;
  };
}

/** 2 Mbit/s. */
function send(pair: BondPair): void {
  for (const mark of MARKS) {
    pair.send(pair.client, 1_000, mark);
    pair.run(4_000);
  }
  pair.run(500_000);
}

function marks(pair: BondPair): number[] {
  return pair.delivered.server.map((bytes) => bytes.at(-1)!);
}

function repaired(pair: BondPair): number {
  return pair.client.bond.pathIds().reduce((sum, id) => sum + pair.client.bond.pathStats(id).repairedPackets, 0);
}
