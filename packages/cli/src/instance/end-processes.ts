import { goneWithin, isAlive, signal } from "./process-identity.ts";
import type { ProcessRecord } from "./record.ts";

/** Users first, then what they use; the bus last, so that each can still say its last word. */
export const STOP_ORDER = ["api", "scheduler", "dataplane", "linkmon", "nats-server"] as const;
/** Time that each process has for a clean end, milliseconds. */
export const STOP_LIMIT_MS = 5000;

/** Ends processes one after the other. Returns the names of those that had to be killed. */
export async function endProcesses(
  processes: readonly ProcessRecord[],
  killed: (name: string) => void,
  limitMs = STOP_LIMIT_MS,
): Promise<string[]> {
  const forced: string[] = [];
  for (const entry of inStopOrder(processes)) {
    signal(entry, "SIGTERM");
    if (await goneWithin(entry, limitMs)) continue;
    signal(entry, "SIGKILL");
    killed(entry.name);
    forced.push(entry.name);
    await goneWithin(entry, limitMs);
  }
  return forced;
}

export function inStopOrder<T extends { readonly name: string }>(processes: readonly T[]): T[] {
  const place = ({ name }: T) => STOP_ORDER.indexOf(name as (typeof STOP_ORDER)[number]);
  return [...processes].sort((a, b) => place(a) - place(b));
}

export function anyAlive(processes: readonly ProcessRecord[]): boolean {
  return processes.some(isAlive);
}
