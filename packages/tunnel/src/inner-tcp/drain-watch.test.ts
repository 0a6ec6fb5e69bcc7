import assert from "node:assert/strict";
import { test } from "node:test";
import { DrainWatch } from "./drain-watch.ts";

/** Bytes per µs. */
const RATE = 6;

test("a host that sends a third of what it did is draining until it sends more", () => {
  const watch = new DrainWatch();
  send(watch, 0, 400_000, RATE);
  assert.equal(watch.isDraining, false);
  assert.ok(Math.abs(watch.peakRate - RATE) < 0.1 * RATE, `${watch.peakRate} bytes per µs`);
  send(watch, 400_000, 520_000, 0.35 * RATE);
  assert.equal(watch.isDraining, true);
  send(watch, 520_000, 600_000, RATE);
  assert.equal(watch.isDraining, false);
  assert.equal(watch.hasDrained, true);
});

test("a probe for bandwidth, a silence, and bursts within a round trip are no draining", () => {
  const watch = new DrainWatch();
  send(watch, 0, 400_000, RATE);
  send(watch, 400_000, 600_000, 0.75 * RATE);
  send(watch, 720_000, 900_000, RATE);
  for (let at = 900_000; at < 1_800_000; at += 90_000) send(watch, at, at + 30_000, 3 * RATE);
  assert.equal(watch.hasDrained, false);
});

test("a long time without data is passed over", () => {
  const watch = new DrainWatch();
  send(watch, 0, 400_000, RATE);
  send(watch, 3e9, 3e9 + 400_000, RATE);
  assert.equal(watch.hasDrained, false);
  assert.ok(watch.peakRate < 1.1 * RATE);
});

/** Packets of a millisecond each. */
function send(watch: DrainWatch, fromUs: number, toUs: number, rate: number): void {
  for (let at = fromUs; at < toUs; at += 1_000) watch.noteData(1_000 * rate, at);
}
