/** The monotonic clock. Its zero is the machine's start, the same for all threads and processes. */

import { clockGettime, prctl, TIMESPEC } from "./libc.ts";
import { allocateMemory } from "./memory.ts";

/** CLOCK_MONOTONIC in microseconds, with a fraction. */
export function monotonicUs(): number {
  clockGettime(CLOCK_MONOTONIC, now.address);
  return now.view.getUint32(TIMESPEC.SECONDS, true) * 1e6 + now.view.getUint32(TIMESPEC.NANOSECONDS, true) / 1e3;
}

/** How late the kernel may end a timed wait of the calling thread, to save wake-ups; 50 µs by default. PR_SET_TIMERSLACK */
export function setTimerSlack(nanoseconds: number): void {
  prctl(PR_SET_TIMERSLACK, nanoseconds);
}

const CLOCK_MONOTONIC = 1;
const PR_SET_TIMERSLACK = 29;
const now = allocateMemory(TIMESPEC.SIZE);
