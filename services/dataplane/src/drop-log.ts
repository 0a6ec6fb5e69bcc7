/** Tells the log which datagrams were refused, at a bounded rate: a flood of forged datagrams costs a few lines, then one a minute. */

import { DROP_REASONS, type DropReason } from "@edgebos/tunnel";

/** Lines in a row, and how often another one is allowed, ms. */
const BURST = 5;
const REFILL_MS = 60_000;
/** Our own shortage of buffers, nothing that a sender did wrong. */
const NOT_REFUSED: readonly DropReason[] = ["no-buffer"];

export type DropCounts = Readonly<Record<string, number>>;

export class DropLog {
  readonly #say: (text: string, fields: DropCounts) => void;
  #told: DropCounts = {};
  #tokens = BURST;
  #atMs = 0;

  constructor(say: (text: string, fields: DropCounts) => void) {
    this.#say = say;
  }

  /** Takes the counters as they stand; says what has grown since the last line. `nowMs` is of any monotonic clock. */
  update(counts: DropCounts, nowMs: number): void {
    this.#tokens = Math.min(BURST, this.#tokens + (nowMs - this.#atMs) / REFILL_MS);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return;
    const grown = DROP_REASONS.filter((reason) => !NOT_REFUSED.includes(reason))
      .map((reason) => [reason, (counts[reason] ?? 0) - (this.#told[reason] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    if (grown.length === 0) return;
    this.#told = { ...counts };
    this.#tokens -= 1;
    const text = grown.map(([reason, count]) => `${count} ${reason}`).join(", ");
    this.#say(`datagrams refused: ${text}`, Object.fromEntries(grown));
  }
}
