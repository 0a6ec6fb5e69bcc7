/** Counts refused connections and tells of them at a bounded rate: a stranger must not be able to fill the log. */

import type { RefusalReason } from "./admission.ts";

/** Lines per reason in a row, and how often another one is allowed, ms. */
const BURST = 5;
const REFILL_MS = 10_000;

export class RefusalLog {
  readonly #say: (text: string, fields: Record<string, string | number>) => void;
  readonly #counts = new Map<RefusalReason, number>();
  readonly #budgets = new Map<RefusalReason, { tokens: number; at: number; silenced: number }>();

  constructor(say: (text: string, fields: Record<string, string | number>) => void) {
    this.#say = say;
  }

  get counts(): ReadonlyMap<RefusalReason, number> {
    return this.#counts;
  }

  add(reason: RefusalReason, remote: string, text: string, nowMs: number): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    const budget = this.#budgets.get(reason) ?? { tokens: BURST, at: nowMs, silenced: 0 };
    this.#budgets.set(reason, budget);
    budget.tokens = Math.min(BURST, budget.tokens + (nowMs - budget.at) / REFILL_MS);
    budget.at = nowMs;
    if (budget.tokens < 1) {
      budget.silenced += 1;
      return;
    }
    budget.tokens -= 1;
    this.#say(`control connection refused: ${text}`, { reason, remote, silenced: budget.silenced });
    budget.silenced = 0;
  }
}
