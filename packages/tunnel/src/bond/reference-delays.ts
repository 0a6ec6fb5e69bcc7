import type { Micros } from "../types.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { PathSet } from "./path-set.ts";
import type { Resequencer } from "./resequencer.ts";
import { leaderOf } from "./schedulers/redundant.ts";
import type { Usage } from "./usage.ts";

/** How often usage and reference delays are computed anew. */
const REFRESH_EVERY_US = 10_000;
/** A gap is given up after four seconds and this many round trips over the slowest path: all repairs come sooner, even over what is left of a bond. */
const GAP_ROUND_TRIPS = 8;
const GAP_BASE_US = 4_000_000;

/** Has usage counted, and tells queue management and resequencer what the paths in use make of the bond: its delays, its lead, its capacity. */
export class ReferenceDelays {
  readonly #paths: PathSet;
  readonly #dispatcher: Dispatcher;
  readonly #resequencer: Resequencer;
  readonly #usage: Usage;
  #dueAt = Number.NEGATIVE_INFINITY;

  constructor(paths: PathSet, dispatcher: Dispatcher, resequencer: Resequencer, usage: Usage) {
    this.#paths = paths;
    this.#dispatcher = dispatcher;
    this.#resequencer = resequencer;
    this.#usage = usage;
  }

  /** To be called when nothing more can be sent: a packet does not wait for it. */
  refresh(now: Micros): void {
    if (now < this.#dueAt) return;
    this.#dueAt = now + REFRESH_EVERY_US;
    this.#usage.count(now);
    const referenceUs = this.#paths.referenceUs();
    const { management } = this.#dispatcher;
    if (referenceUs > 0) management.referenceUs = referenceUs;
    management.quickestUs = this.#paths.quickestUs();
    management.quickestDelayUs = this.#paths.quickestDelayUs();
    management.loadedUs = this.#paths.loadedUs();
    management.nearShare = this.#paths.nearShare();
    const isRedundant = this.#dispatcher.copies > 0;
    management.leadUs = isRedundant ? 0 : this.#paths.leadUs();
    const capacity = isRedundant ? leaderOf(this.#paths.eligible)?.capacity : this.#paths.capacity();
    management.capacity = capacity || management.capacity;
    this.#resequencer.gapDeadlineUs = GAP_BASE_US + GAP_ROUND_TRIPS * referenceUs;
  }
}
