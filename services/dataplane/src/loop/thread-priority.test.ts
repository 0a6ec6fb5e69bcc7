import assert from "node:assert/strict";
import { test } from "node:test";
import type { SchedulingClass } from "@edgebos/linux-io";
import type { Micros } from "@edgebos/tunnel";
import { ThreadPriority } from "./thread-priority.ts";

const TICK_US = 100_000;

test("the thread is real-time while its load is light, and fair from a heavy load until it is light again", () => {
  assert.deepEqual(changes([0.1, 0.3, 0.45, 0.9, 0.9, 0.3, 0.1, 0.1]), ["realtime", "fair", "realtime"]);
});

test("a thread that may not be real-time asks once", () => {
  assert.deepEqual(changes([0.1, 0.9, 0.1, 0.1], false), ["realtime"]);
});

/** What is asked of the kernel when the thread has these loads, tick by tick. */
function changes(loads: readonly number[], isAllowed = true): SchedulingClass[] {
  const asked: SchedulingClass[] = [];
  let cpuUs = 0;
  const set = (schedulingClass: SchedulingClass): boolean => {
    asked.push(schedulingClass);
    return isAllowed;
  };
  const priority = new ThreadPriority(set, () => cpuUs, 0 as Micros);
  loads.forEach((load, i) => {
    cpuUs += load * TICK_US;
    priority.tick(((i + 1) * TICK_US) as Micros);
  });
  return asked;
}
