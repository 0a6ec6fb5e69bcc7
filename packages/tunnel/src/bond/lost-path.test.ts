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

test("a path with steady traffic that falls silent is left after one timeout, not after three", () => {
  const pair = openPair(2);
  const plan = (role: PathPlan["role"]): PathPlan => ({ enabled: true, role, weight: 1, rateLimitBps: 0 });
  const paths = new Map([
    [pathId(0), plan("primary")],
    [pathId(1), plan("backup")],
  ]);
  pair.client.bond.applyPlan({ algorithm: "adaptive", paths }, micros(pair.now));
  const steady = (durationUs: number): void => {
    for (const end = pair.now + durationUs; pair.now < end; pair.run(2_000)) pair.send(pair.client, 1_000, 1);
  };
  pair.delayUs = 100_000;
  steady(1_000_000);
  pair.filter = (path) => path !== 0;
  steady(400_000);
  assert.equal(pair.client.bond.pathStats(pathId(0)).state, "stalled");
  assert.equal(pair.client.bond.pathStats(pathId(1)).state, "up");
});

function openPair(paths: number): BondPair {
  const pair = new BondPair();
  for (let id = 0; id < paths; id++) pair.open(id);
  pair.drain();
  pair.run(200_000);
  return pair;
}
