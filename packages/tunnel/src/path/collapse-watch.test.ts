import assert from "node:assert/strict";
import { test } from "node:test";
import { CollapseWatch } from "./collapse-watch.ts";

const PIPE_US = 40_000;
const LONG_US = 1_000_000;

test("a queue of our own that lasts proves the rate that it drains with", () => {
  const watch = new CollapseWatch();
  assert.equal(watch.onAck(5, LONG_US, PIPE_US, true, 1_000_000), 0);
  assert.equal(watch.onAck(0.5, LONG_US, PIPE_US, true, 1_200_000), 0);
  assert.equal(watch.onAck(0.4, LONG_US, PIPE_US, true, 1_301_000), 5, "the first sample still spans better times");
  watch.restart(1_301_000);
  assert.equal(watch.onAck(0.3, LONG_US, PIPE_US, true, 1_500_000), 0, "the next conclusion needs proof of its own");
  assert.equal(watch.onAck(0.4, LONG_US, PIPE_US, true, 1_602_000), 0.4);
});

test("jitter, another sender's queue and a pause that ends prove nothing", () => {
  const watch = new CollapseWatch();
  for (let now = 0; now < 2e6; now += 10_000) {
    assert.equal(watch.onAck(1, 2 * PIPE_US + 100_000, PIPE_US, true, now), 0);
    assert.equal(watch.onAck(1, LONG_US, PIPE_US, false, now), 0);
  }
  assert.equal(watch.onAck(1, LONG_US, PIPE_US, true, 2e6), 0);
  assert.equal(watch.onAck(1, PIPE_US, PIPE_US, true, 2.2e6), 0);
  assert.equal(watch.onAck(1, LONG_US, PIPE_US, true, 2.4e6), 0, "what came before the end counts no more");
});
