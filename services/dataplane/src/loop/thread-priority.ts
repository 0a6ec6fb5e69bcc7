/**
 * How the loop's thread competes for the processor. It is real-time while it needs little, so that a packet does not wait for
 * other processes, as it does not in the kernel's own forwarding; and fair while it needs much, or it would take the
 * processor from everything else, and the kernel from it for 50 ms of every second (sched(7), sched_rt_runtime_us).
 *
 * A nice value is no substitute: with autogroups (sched(7), the default of many distributions) or control groups it counts
 * within the service alone.
 */

import type { SchedulingClass } from "@edgebos/linux-io";
import type { Micros } from "@edgebos/tunnel";

export class ThreadPriority {
  /** The loop needs little of its processor. */
  isLight = false;
  readonly #set: (schedulingClass: SchedulingClass) => boolean;
  readonly #cpuUs: () => number;
  #isAllowed = true;
  #lastAt: Micros;
  #lastCpuUs: number;

  /** `set` changes the class of the loop's thread, which is fair, and returns whether that is permitted; `cpuUs` is its processor time so far. */
  constructor(set: (schedulingClass: SchedulingClass) => boolean, cpuUs: () => number, now: Micros) {
    this.#set = set;
    this.#cpuUs = cpuUs;
    this.#lastAt = now;
    this.#lastCpuUs = cpuUs();
  }

  /** To be called about ten times a second. */
  tick(now: Micros): void {
    if (now <= this.#lastAt) return;
    const cpuUs = this.#cpuUs();
    const load = (cpuUs - this.#lastCpuUs) / (now - this.#lastAt);
    this.#lastAt = now;
    this.#lastCpuUs = cpuUs;
    const isLight = load < (this.isLight ? HEAVY_LOAD : LIGHT_LOAD);
    if (isLight === this.isLight) return;
    this.isLight = isLight;
    if (this.#isAllowed) this.#isAllowed = this.#set(isLight ? "realtime" : "fair");
  }
}

/** Shares of one processor. */
const LIGHT_LOAD = 0.25;
const HEAVY_LOAD = 0.5;
