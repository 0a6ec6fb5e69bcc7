import assert from "node:assert/strict";
import { test } from "node:test";
import { BondPair, micros, pathId } from "../test-support.ts";

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

function openPair(paths: number): BondPair {
  const pair = new BondPair();
  for (let id = 0; id < paths; id++) pair.open(id);
  pair.drain();
  pair.run(200_000);
  return pair;
}
