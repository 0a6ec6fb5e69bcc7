/** Pings of a control connection. Pure: `now` comes in, what to do comes out. Milliseconds of any monotonic clock. */

/** How often a connection is asked, ms. Ours: a dead one is then noticed after at most PING_INTERVAL + ANSWER_LIMIT. */
export const PING_INTERVAL_MS = 1000;
/** Age of an unanswered ping at which the connection is given up, ms. Ours: three RTTs of a geostationary satellite. */
export const ANSWER_LIMIT_MS = 2000;

export type LivenessStep =
  | { readonly kind: "ping"; readonly token: number }
  | { readonly kind: "dead" }
  | { readonly kind: "wait" };

export class Liveness {
  #token = 0;
  #pingedAt: number;
  /** When the oldest unanswered ping left. */
  #unansweredSince: number | undefined;

  constructor(now: number) {
    this.#pingedAt = now;
  }

  /** Any message of the peer proves that the connection lives. */
  heard(): void {
    this.#unansweredSince = undefined;
  }

  poll(now: number): LivenessStep {
    if (this.#unansweredSince !== undefined && now - this.#unansweredSince >= ANSWER_LIMIT_MS) return { kind: "dead" };
    if (now - this.#pingedAt < PING_INTERVAL_MS) return { kind: "wait" };
    this.#pingedAt = now;
    this.#unansweredSince ??= now;
    this.#token += 1;
    return { kind: "ping", token: this.#token };
  }
}
