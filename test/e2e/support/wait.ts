import { setTimeout as delay } from "node:timers/promises";

const STEP_MS = 25;

/** Asks again until `probe` gives a value other than undefined or false; rejects after `timeoutMs`, naming what was waited for and the last error. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) throw new Error(`after ${timeoutMs} ms still not: ${what}`, { cause });
    await delay(STEP_MS);
  }
}

/** Milliseconds that `action` takes. */
export async function timed(action: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await action();
  return performance.now() - startMs;
}
