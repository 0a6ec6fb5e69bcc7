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

test("a sender that paces is paused again after several rounds, one that bursts never", () => {
  const arrivals = { paced: (n: number) => n * 1_000, bursts: (n: number) => n * 10 };
  for (const [kind, afterUs] of Object.entries(arrivals)) {
    const pulse = new AckPulse();
    pulse.consider(MIN_US, BOND_US, BOND_US, 1e6);
    const endUs = pulse.untilUs;
    for (let n = 0; n < 80; n++) pulse.noteData(1_400, endUs + afterUs(n));
    pulse.consider(MIN_US, BOND_US, BOND_US, endUs + 3 * BOND_US);
    assert.equal(pulse.untilUs, endUs, "too soon");
    pulse.consider(MIN_US, BOND_US, BOND_US, endUs + 7 * BOND_US);
    assert.equal(pulse.untilUs > endUs, kind === "paced", kind);
  }
});
