import type { Config } from "@edgebos/service";
import { type Candidate, candidateKey } from "./candidate.ts";

export interface Weight {
  readonly value: number;
  /** When it was last changed, monotonic ms. */
  readonly changedAt: number;
}

export type Weights = ReadonlyMap<string, Weight>;

/**
 * The relative share of each path. For `weighted` it is what the operator configured, if anything; else the capacity in
 * Mbit/s. A weight from a capacity follows it in steps of {@link STEP_SHARE}, so that an estimate that breathes does
 * not bring a new plan each second.
 */
export function nextWeights(
  candidates: readonly Candidate[],
  algorithm: Config["bonding"]["algorithm"],
  previous: Weights,
  now: number,
): Weights {
  const isConfigured = algorithm === "weighted" && candidates.some((c) => c.configuredWeight !== undefined);
  const known = candidates.map((c) => c.capacityBps).filter((bps) => bps > 0);
  const typicalBps = known.length === 0 ? 0 : known.reduce((a, b) => a + b) / known.length;
  const weightOf = (candidate: Candidate): Weight => {
    const old = previous.get(candidateKey(candidate));
    const wanted = isConfigured
      ? (candidate.configuredWeight ?? 1)
      : capacityWeight(candidate.capacityBps || typicalBps);
    if (isConfigured || old === undefined) return old?.value === wanted ? old : { value: wanted, changedAt: now };
    const isNear = Math.abs(wanted - old.value) <= STEP_SHARE * old.value;
    return isNear || now - old.changedAt < STEP_HOLD_MS ? old : { value: wanted, changedAt: now };
  };
  return new Map(candidates.map((candidate) => [candidateKey(candidate), weightOf(candidate)]));
}

/** Mbit/s with two significant digits; 1 where nothing is known. */
function capacityWeight(capacityBps: number): number {
  return capacityBps > 0 ? Math.max(0.1, Number((capacityBps / 1e6).toPrecision(2))) : 1;
}

const STEP_SHARE = 0.25;
const STEP_HOLD_MS = 5000;
