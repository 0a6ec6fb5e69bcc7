import assert from "node:assert/strict";
import { test } from "node:test";
import { BondPair, micros, pathId } from "../test-support.ts";
import type { PathPlan } from "../types.ts";

test("an ack that no path can carry does not make a deadline that has passed", () => {
  const pair = openPair(1);
  pair.send(pair.client, 1_000, 1);
  pair.server.bond.suspendPath(pathId(0), micros(pair.now));
  pair.run(50_000);
  assert.equal(pair.delivered.server.length, 1);
  assert.ok(pair.server.bond.pollTimeout() > pair.now, "the server would wake up at once, again and again");
});

test("a path that never answers again gives back the buffers of what it carried", () => {
  const pair = openPair(2);
  pair.filter = (path) => path !== 0;
  for (let mark = 0; mark < 40; mark++) pair.send(pair.client, 1_000, mark);
  pair.run(1_500_000);
  assert.equal(pair.client.bond.pathStats(pathId(0)).state, "stalled");
  assert.equal(pair.delivered.server.length, 40);
  assert.equal(pair.client.pool.slots - pair.client.pool.freeSlots, 2, "one address record for each path");
});

test("a lost packet's buffer comes back although nothing is sent any more", () => {
  const pair = openPair(1);
  const metered: PathPlan = { enabled: true, role: "metered", weight: 1, rateLimitBps: 0 };
  pair.client.bond.applyPlan({ algorithm: "adaptive", paths: new Map([[pathId(0), metered]]) }, micros(pair.now));
  let passed = 0;
  pair.filter = (_, fromClient, bytes) => !fromClient || bytes.length < 1_000 || ++passed !== 3;
  for (let mark = 0; mark < 8; mark++) pair.send(pair.client, 1_000, mark);
  pair.run(2_000_000);
  assert.equal(pair.delivered.server.length, 8);
  assert.equal(pair.client.bond.pathStats(pathId(0)).repairedPackets, 1);
  assert.equal(pair.client.pool.slots - pair.client.pool.freeSlots, 1, "the path's address record");
});

test("a lone packet that is lost is all that is sent again, whatever left after it", () => {
  const pair = openPair(1, 100_000);
  pair.filter = (_, fromClient, bytes) => !fromClient || bytes.length < 1_000;
  pair.send(pair.client, 1_000, 0);
  pair.filter = () => true;
  pair.run(200_000);
  for (let mark = 1; mark <= 8; mark++) pair.send(pair.client, 1_000, mark);
  pair.run(1_000_000);
  assert.equal(pair.delivered.server.length, 9);
  assert.equal(pair.client.bond.pathStats(pathId(0)).repairedPackets, 1);
});

for (const steadyUs of [1_000_000, 1_300_000, 2_060_000]) {
  test(`a path with steady traffic that falls silent after ${steadyUs} µs is left after one timeout, not after three`, () => {
    const pair = openPair(2, 100_000);
    const plan = (role: PathPlan["role"]): PathPlan => ({ enabled: true, role, weight: 1, rateLimitBps: 0 });
    const paths = new Map([
      [pathId(0), plan("primary")],
      [pathId(1), plan("backup")],
    ]);
    pair.client.bond.applyPlan({ algorithm: "adaptive", paths }, micros(pair.now));
    const steady = (durationUs: number): void => {
      for (const end = pair.now + durationUs; pair.now < end; pair.run(2_000)) pair.send(pair.client, 1_000, 1);
    };
    steady(steadyUs);
    pair.filter = (path) => path !== 0;
    steady(300_000);
    assert.equal(pair.client.bond.pathStats(pathId(0)).state, "stalled");
    assert.equal(pair.client.bond.pathStats(pathId(1)).state, "up");
  });
}

function openPair(paths: number, delayUs = 10_000): BondPair {
  const pair = new BondPair();
  pair.delayUs = delayUs;
  for (let id = 0; id < paths; id++) pair.open(id);
  pair.drain();
  pair.run(20 * delayUs);
  return pair;
}
