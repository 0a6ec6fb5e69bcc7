import assert from "node:assert/strict";
import { test } from "node:test";
import { micros } from "../test-support.ts";
import { PROBE_EVERY_BYTES, PROBE_IDLE_US, PROBE_LOADED_US, Usage } from "./usage.ts";

const STEP_US = 10_000;
const SECOND_US = 1_000_000;

test("probes come once per PROBE_EVERY_BYTES, whether they flow or are written once a second", () => {
  for (const periodUs of [STEP_US, SECOND_US]) {
    const { inflow, usage } = createUsage();
    let intervals = 0;
    const bytesPerSecond = 125_000;
    for (let now = STEP_US; now <= 10 * SECOND_US; now += STEP_US) {
      if (now % periodUs === 0) inflow.bytes += (bytesPerSecond * periodUs) / SECOND_US;
      usage.count(micros(now));
      if (now > 5 * SECOND_US) intervals += STEP_US / usage.probeEveryUs;
    }
    const expected = (5 * bytesPerSecond) / PROBE_EVERY_BYTES;
    assert.ok(Math.abs(intervals / expected - 1) < 0.1, `${intervals} probes, ${expected} expected`);
  }
});

test("a bond at full rate probes its idle paths every PROBE_LOADED_US, and three seconds later every PROBE_IDLE_US", () => {
  const { inflow, usage } = createUsage();
  for (let now = STEP_US; now <= SECOND_US; now += STEP_US) {
    inflow.bytes += 100_000;
    usage.count(micros(now));
  }
  assert.equal(usage.probeEveryUs, PROBE_LOADED_US);
  for (let now = SECOND_US + STEP_US; now <= 4 * SECOND_US; now += STEP_US) usage.count(micros(now));
  assert.equal(usage.probeEveryUs, PROBE_IDLE_US);
});

test("a bond that has just begun or long been silent is an idle one", () => {
  const { inflow, usage } = createUsage();
  usage.count(micros(0));
  assert.equal(usage.probeEveryUs, PROBE_IDLE_US);
  inflow.bytes = 1_000_000;
  usage.count(micros(100 * SECOND_US));
  assert.equal(usage.probeEveryUs, PROBE_IDLE_US);
});

function createUsage(): { inflow: { bytes: number; lastAt: number }; usage: Usage } {
  const inflow = { bytes: 0, lastAt: 0 };
  return { inflow, usage: new Usage([inflow]) };
}
