import { type Candidate, candidateKey, isUsable } from "./candidate.ts";

/**
 * A path that loses so much that it spoils the rest is given a rest: it carries no traffic for a while and is then
 * tried again. At rest its loss cannot be measured, so only time ends a rest, and each relapse makes the next one
 * longer.
 */
export interface Rest {
  /** Since when the path has been hopeless, monotonic ms; undefined = it is not. */
  readonly hopelessSince: number | undefined;
  /** Until when it rests; undefined = it does not. */
  readonly until: number | undefined;
  readonly lastLengthMs: number;
  readonly endedAt: number;
}

export type Rests = ReadonlyMap<string, Rest>;

/** One step for all paths. `now` is monotonic ms. */
export function nextRests(candidates: readonly Candidate[], previous: Rests, now: number): Rests {
  const next = new Map<string, Rest>();
  for (const candidate of candidates) {
    const rest = nextRest(candidate, previous.get(candidateKey(candidate)) ?? FRESH, now);
    if (rest !== FRESH) next.set(candidateKey(candidate), rest);
  }
  return next;
}

/**
 * The keys of the paths that rest. Of the usable paths of one peer and role, at least one always works on: the least
 * lossy. So a rest never takes the last usable path, and never moves traffic to a backup or metered one.
 */
export function resting(candidates: readonly Candidate[], rests: Rests): ReadonlySet<string> {
  const wanted = candidates.filter((candidate) => rests.get(candidateKey(candidate))?.until !== undefined);
  const result = new Set(wanted.map(candidateKey));
  for (const candidate of wanted) {
    const peers = candidates.filter((other) => other.peer === candidate.peer && other.role === candidate.role);
    const usable = peers.filter(isUsable);
    if (usable.some((other) => !result.has(candidateKey(other)))) continue;
    const best = (usable.length > 0 ? usable : peers).reduce((a, b) => (b.lossPpm < a.lossPpm ? b : a));
    result.delete(candidateKey(best));
  }
  return result;
}

function nextRest(candidate: Candidate, rest: Rest, now: number): Rest {
  if (rest.until !== undefined) {
    return now < rest.until ? rest : { ...rest, until: undefined, hopelessSince: undefined, endedAt: now };
  }
  const isHopeless = isUsable(candidate) && candidate.lossPpm >= HOPELESS_LOSS_PPM;
  if (!isHopeless) return rest.hopelessSince === undefined ? rest : { ...rest, hopelessSince: undefined };
  const since = rest.hopelessSince ?? now;
  if (now - since < HOPELESS_HOLD_MS) return { ...rest, hopelessSince: since };
  const isRelapse = now - rest.endedAt < RELAPSE_MS;
  const lengthMs = isRelapse ? Math.min(2 * rest.lastLengthMs, LONGEST_REST_MS) : FIRST_REST_MS;
  return { hopelessSince: undefined, until: now + lengthMs, lastLengthMs: lengthMs, endedAt: rest.endedAt };
}

const FRESH: Rest = { hopelessSince: undefined, until: undefined, lastLengthMs: 0, endedAt: Number.NEGATIVE_INFINITY };

/** Repair costs as much as is lost and comes a round trip late: at a third, a path gives little more than it takes. */
const HOPELESS_LOSS_PPM = 300_000;
/** A tunnel or a handover of a cellular modem passes within this time. */
const HOPELESS_HOLD_MS = 5000;
const FIRST_REST_MS = 15_000;
const LONGEST_REST_MS = 300_000;
/** Hopeless again within this time of a rest: that rest was too short. */
const RELAPSE_MS = 60_000;
