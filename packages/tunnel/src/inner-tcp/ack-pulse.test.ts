import assert from "node:assert/strict";
import { test } from "node:test";
import { AckPulse } from "./ack-pulse.ts";

const MIN_US = 40_000;
const BOND_US = 140_000;

test("a flow whose window spans the bond's round trip is not paused", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, 0, 1.5 * MIN_US, 1e6);
  assert.equal(pulse.untilUs, Number.NEGATIVE_INFINITY);
});

test("a flow that sees only the quick path is paused by what its window lacks", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, 0, BOND_US, 1e6);
  const pauseUs = pulse.untilUs - 1e6;
  assert.ok(pauseUs >= BOND_US - 2 * MIN_US && pauseUs <= 100_000, `${pauseUs} µs`);
});

test("a bond too slow for any pause is left alone", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, 0, 340_000, 1e6);
  assert.equal(pulse.untilUs, Number.NEGATIVE_INFINITY);
});

test("the next pause comes when the host forgets the last one, after two windows of its rounds", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, 3, BOND_US, 1e6);
  const endUs = pulse.untilUs;
  pulse.consider(MIN_US, 4, BOND_US, endUs + 9 * BOND_US);
  assert.equal(pulse.untilUs, endUs, "too soon");
  pulse.consider(MIN_US, 5, BOND_US, endUs + 10 * BOND_US);
  assert.ok(pulse.untilUs > endUs);
});

test("the window spans what it did before, and what the pause had acknowledged at once", () => {
  const pulse = new AckPulse();
  pulse.noteAck(900_000, 1e6);
  assert.equal(pulse.hasPaused, false, "one ack for much without a pause is the host's own");
  pulse.consider(MIN_US, 0, BOND_US, 1e6);
  pulse.noteAck(10_000, pulse.untilUs - 1);
  assert.equal(pulse.hasPaused, false, "the pause is not over");
  pulse.noteAck(600_000, pulse.untilUs);
  pulse.noteAck(10_000, pulse.untilUs + 1);
  assert.equal(pulse.hasPaused, true);
  pulse.noteFlight(2_000_000);
  assert.equal(pulse.spanUs(MIN_US, 10), 2 * MIN_US + 60_000);
});

test("a host that does not use its window has its round trip raised to little more than what it uses", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, 0, BOND_US, 1e6);
  pulse.noteFlight(500_000);
  pulse.noteAck(600_000, pulse.untilUs);
  assert.ok(pulse.spanUs(MIN_US, 10) <= 1.2 * 50_000);
});
