import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

test("a thread that may be real-time is, alone, and fair again when told", async () => {
  const worker = new Worker(WORKER_SOURCE, { eval: true, workerData: import.meta.resolve("./scheduling.ts") });
  const [{ allowed, policies }] = await once(worker, "message");
  assert.deepEqual(policies, [allowed ? SCHED_RR : SCHED_OTHER, SCHED_OTHER]);
  assert.equal(policyIn(readFileSync("/proc/thread-self/stat", "utf8")), SCHED_OTHER);
});

/** proc(5): field 41; the second one is the name in parentheses. */
function policyIn(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[41 - 3]);
}

const SCHED_OTHER = 0;
const SCHED_RR = 2;
const WORKER_SOURCE = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { readFileSync } = require("node:fs");
  ${policyIn.toString()}
  const policy = () => policyIn(readFileSync("/proc/thread-self/stat", "utf8"));
  import(workerData).then(({ setSchedulingClass }) => {
    const allowed = setSchedulingClass("realtime");
    const whileRealtime = policy();
    setSchedulingClass("fair");
    parentPort.postMessage({ allowed, policies: [whileRealtime, policy()] });
  });
`;
