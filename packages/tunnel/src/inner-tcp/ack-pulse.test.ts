import assert from "node:assert/strict";
import { test } from "node:test";
import { AckPulse } from "./ack-pulse.ts";

const MIN_US = 40_000;
const BOND_US = 140_000;

test("a flow whose window spans the bond's round trip is not paused", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, MIN_US, 1.5 * MIN_US, 1e6);
  assert.equal(pulse.untilUs, Number.NEGATIVE_INFINITY);
});

test("a flow that sees only the quick path is paused by what its window lacks", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, BOND_US, BOND_US, 1e6);
  const pauseUs = pulse.untilUs - 1e6;
  assert.ok(pauseUs >= BOND_US - 2 * MIN_US && pauseUs <= 100_000, `${pauseUs} µs`);
});

test("a bond too slow for any pause is left alone", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, 340_000, 340_000, 1e6);
  assert.equal(pulse.untilUs, Number.NEGATIVE_INFINITY);
});

test("the next pause comes after several rounds", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, BOND_US, BOND_US, 1e6);
  const endUs = pulse.untilUs;
  pulse.consider(MIN_US, BOND_US, BOND_US, endUs + 3 * BOND_US);
  assert.equal(pulse.untilUs, endUs, "too soon");
  pulse.consider(MIN_US, BOND_US, BOND_US, endUs + 7 * BOND_US);
  assert.ok(pulse.untilUs > endUs);
});

test("the most that was under way in a pause stands until the next one has ended", () => {
  const pulse = new AckPulse();
  pulse.consider(MIN_US, BOND_US, BOND_US, 1e6);
  for (const bytes of [10_000, 30_000, 20_000]) pulse.noteFlight(bytes, false, pulse.untilUs - 1);
  assert.equal(pulse.hasEnded, false);
  pulse.noteFlight(90_000, false, pulse.untilUs + 1);
  assert.equal(pulse.flightBytes, 30_000);
  pulse.noteFlight(90_000, false, pulse.untilUs + 2);
  assert.equal(pulse.flightBytes, 30_000);
});

test("a flow that drains what slow start has put on its way is not paused before its window is full again, or for long", () => {
  const pulse = new AckPulse();
  pulse.noteFlight(100_000, true, 1e6);
  assert.equal(pulse.isDraining(50_000, BOND_US, 1e6 + BOND_US), true);
  assert.equal(pulse.isDraining(90_000, BOND_US, 1e6 + BOND_US), false);
  assert.equal(pulse.isDraining(50_000, BOND_US, 1e6 + 5 * BOND_US), false);
  pulse.consider(MIN_US, BOND_US, BOND_US, 1e6);
  pulse.noteFlight(100_000, false, pulse.untilUs - 1);
  pulse.noteFlight(100_000, false, pulse.untilUs + 1);
  assert.equal(pulse.isDraining(50_000, BOND_US, 1e6 + BOND_US), false, "a pause has shown the flight");
});
