/** From `at` (monotonic ms) on the link was up, or was not. */
export interface Transition {
  readonly at: number;
  readonly up: boolean;
}

/** Over how long stability is told. */
export const STABILITY_WINDOW_MS = 10 * 60_000;

/**
 * Adds what the link is from `now` on, and forgets what lies before the window. The result is sorted and starts at or
 * before it.
 */
export function recordTransition(history: readonly Transition[], up: boolean, now: number): readonly Transition[] {
  const last = history.at(-1);
  const all = last?.up === up ? history : [...history, { at: now, up }];
  const start = all.findLastIndex(({ at }) => at <= now - STABILITY_WINDOW_MS);
  return all.slice(Math.max(start, all.length - MAX_TRANSITIONS, 0));
}

/**
 * Share of the window, or of the link's life if that is shorter, in which the link was up; 0 for a link without
 * history.
 */
export function stability(history: readonly Transition[], now: number): number {
  const first = history[0];
  if (first === undefined) return 0;
  const begin = Math.max(first.at, now - STABILITY_WINDOW_MS);
  if (now <= begin) return history.at(-1)!.up ? 1 : 0;
  let upMs = 0;
  history.forEach(({ at, up }, index) => {
    const end = history[index + 1]?.at ?? now;
    if (up) upMs += Math.max(0, end - Math.max(at, begin));
  });
  return upMs / (now - begin);
}

/** A link that changes every second for ten minutes; beyond that the oldest changes are forgotten. */
const MAX_TRANSITIONS = 600;
