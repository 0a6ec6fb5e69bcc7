import assert from "node:assert/strict";
import { test } from "node:test";
import type { Micros } from "@edgebos/tunnel";
import { WakeModeration } from "./moderation.ts";

test("packets that come often gather, a rare one never waits", () => {
  assert.equal(restAt({ packetsPerSecond: 1_000 }), 0);
  assert.ok(restAt({ packetsPerSecond: 9_000 }) > 0);
});

test("a packet waits half a millisecond at most on average, and less the more there are", () => {
  assert.equal(restAt({ packetsPerSecond: 6_000 }), 1_000);
  const rests = [20_000, 40_000, 80_000].map((packetsPerSecond) => restAt({ packetsPerSecond }));
  assert.deepEqual(rests.map(Math.round), [500, 250, 125]);
});

test("a rest too short to fall asleep for is none", () => {
  assert.equal(restAt({ packetsPerSecond: 500_000 }), 0);
});

test("ten milliseconds after the last of many packets the loop is awake again", () => {
  const moderation = new WakeModeration();
  feed(moderation, 9_000);
  assert.ok(moderation.isBusy);
  moderation.restUs(PACKETS, (END_US + 10_000) as Micros);
  assert.equal(moderation.isBusy, false);
  assert.equal(moderation.restUs(PACKETS + 1, (END_US + 10_100) as Micros), 0);
});

const END_US = 1_000_000;
const PACKETS = 9_000;

function restAt({ packetsPerSecond }: { packetsPerSecond: number }): number {
  return feed(new WakeModeration(), packetsPerSecond);
}

/** A second of packets, with a turn of the loop every 100 µs. Returns the last answer. */
function feed(moderation: WakeModeration, packetsPerSecond: number): number {
  let restUs = 0;
  for (let us = 0; us <= END_US; us += 100) {
    restUs = moderation.restUs(Math.floor((us / 1e6) * packetsPerSecond), us as Micros);
  }
  return restUs;
}
