import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "./log.ts";

/** Time that each action has, milliseconds. */
const ACTION_LIMIT_MS = 3000;

/** What must be undone at the end, in reverse order of its beginning. */
export class Shutdown {
  readonly #actions: (() => Promise<void> | void)[] = [];

  add(action: () => Promise<void> | void): void {
    this.#actions.push(action);
  }

  /** Runs each action, even when another fails or takes too long. Returns whether all went well. */
  async run(log: Logger): Promise<boolean> {
    let clean = true;
    for (const action of this.#actions.splice(0).reverse()) {
      try {
        await withLimit(action);
      } catch (error) {
        clean = false;
        log.error({ err: error }, "a part did not stop cleanly");
      }
    }
    return clean;
  }
}

async function withLimit(action: () => Promise<void> | void): Promise<void> {
  const done = new AbortController();
  const late = delay(ACTION_LIMIT_MS, undefined, { signal: done.signal }).then(() => {
    throw new Error(`still busy after ${ACTION_LIMIT_MS} ms`);
  });
  try {
    await Promise.race([action(), late]);
  } finally {
    done.abort();
    late.catch(() => {});
  }
}
