/** Tells the log which datagrams were refused, at a bounded rate: a flood of forged datagrams costs one line a minute. */

import { DROP_REASONS, type DropReason } from "@edgebos/tunnel";

const PAUSE_MS = 60_000;
/** Our own shortage of buffers, nothing that a sender did wrong. */
const NOT_REFUSED: readonly DropReason[] = ["no-buffer"];

export type DropCounts = Readonly<Record<string, number>>;

export class DropLog {
  readonly #say: (text: string, fields: DropCounts) => void;
  #told: DropCounts = {};
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(say: (text: string, fields: DropCounts) => void) {
    this.#say = say;
  }

  /** Takes the counters as they stand; says what has grown since the last line. `nowMs` is of any monotonic clock. */
  update(counts: DropCounts, nowMs: number): void {
    if (nowMs - this.#toldAtMs < PAUSE_MS) return;
    const grown = DROP_REASONS.filter((reason) => !NOT_REFUSED.includes(reason))
      .map((reason) => [reason, (counts[reason] ?? 0) - (this.#told[reason] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    if (grown.length === 0) return;
    this.#told = { ...counts };
    this.#toldAtMs = nowMs;
    const text = grown.map(([reason, count]) => `${count} ${reason}`).join(", ");
    this.#say(`datagrams refused: ${text}`, Object.fromEntries(grown));
  }
}
