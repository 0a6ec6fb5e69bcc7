/** The scheduling class of the calling thread. sched(7) */

import { sched_setscheduler } from "./libc.ts";
import { allocateMemory } from "./memory.ts";

/** `realtime` runs before everything that is `fair`, as soon as it has something to do. */
export type SchedulingClass = "realtime" | "fair";

/**
 * Returns false where the kernel refuses: `realtime` needs CAP_SYS_NICE or an RLIMIT_RTPRIO, and a control group that has
 * real-time runtime. The thread's nice value stays.
 */
export function setSchedulingClass(schedulingClass: SchedulingClass): boolean {
  const realtime = schedulingClass === "realtime";
  parameter.view.setInt32(0, realtime ? LOWEST_PRIORITY : 0, true);
  const policy = (realtime ? SCHED_RR : SCHED_OTHER) | SCHED_RESET_ON_FORK;
  return sched_setscheduler(CALLING_THREAD, policy, parameter.address) === 0;
}

/** struct sched_param: 0 priority i32 */
const parameter = allocateMemory(4);
const CALLING_THREAD = 0;
/** Of 1 to 99; the kernel's interrupt threads have 50. */
const LOWEST_PRIORITY = 1;

/** linux/sched.h */
const SCHED_OTHER = 0;
const SCHED_RR = 2;
/** Threads and processes that the thread starts are fair. */
const SCHED_RESET_ON_FORK = 0x4000_0000;
