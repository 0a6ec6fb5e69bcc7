import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { plan } from "@edgebos/proto";

/**
 * Reads the plan of an earlier run, whose revision the next one goes on from; undefined if there is none to be read.
 */
export function loadPlan(file: string): plan.ForwardingPlan | undefined {
  try {
    return plan.ForwardingPlan.decode(readFileSync(file));
  } catch {
    return undefined;
  }
}

/** Writes the plan in one step: a reader finds the old file or the new one. */
export function savePlan(file: string, present: plan.ForwardingPlan): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, plan.ForwardingPlan.encode(present).finish());
  renameSync(`${file}.new`, file);
}
