import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { monotonicUs } from "./clock.ts";

test("the clock is CLOCK_MONOTONIC, the same in all threads", async () => {
  const before = systemClockUs();
  const now = monotonicUs();
  const after = systemClockUs();
  assert.ok(now >= before - TOLERANCE_US && now <= after + TOLERANCE_US);
  const worker = new Worker(WORKER_SOURCE, { eval: true, workerData: import.meta.resolve("./clock.ts") });
  const start = monotonicUs();
  const [there] = await once(worker, "message");
  assert.ok(there > start - TOLERANCE_US && there < monotonicUs() + TOLERANCE_US);
});

test("the clock goes forward in steps below a microsecond", () => {
  let last = monotonicUs();
  let smallest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10_000; i++) {
    const now = monotonicUs();
    assert.ok(now >= last);
    if (now > last) smallest = Math.min(smallest, now - last);
    last = now;
  }
  assert.ok(smallest < 1);
});

function systemClockUs(): number {
  return Number(process.hrtime.bigint()) / 1e3;
}

/** How far the zero, which is measured when the module is loaded, may be off: a preempted thread. */
const TOLERANCE_US = 1_000;

const WORKER_SOURCE = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(workerData).then(({ monotonicUs }) => parentPort.postMessage(monotonicUs()));
`;
