import { readFileSync } from "node:fs";
import { uptime } from "node:os";

/** One instant on two clocks. Durations are taken from `ms`, since gateways set their wall clock long after boot. */
export interface Moment {
  /** Monotonic, since boot. */
  readonly ms: number;
  readonly unixMs: number;
}

/** Returns a clock whose `ms` goes on across restarts of the process, but not of the machine. */
export function bootClock(): () => Moment {
  const offsetMs = uptime() * 1000 - performance.now();
  return () => ({ ms: performance.now() + offsetMs, unixMs: Date.now() });
}

/** Changes with each start of the machine; empty where the kernel does not tell. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
