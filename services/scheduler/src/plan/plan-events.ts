import { common } from "@edgebos/proto";
import type { EventSeverity } from "@edgebos/service";
import { algorithmName } from "./algorithm.ts";
import type { PlanState } from "./make-plan.ts";

const { LinkRole } = common;

export interface PlanEvent {
  readonly severity: EventSeverity;
  readonly code: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What a person wants to know of the step from one plan to the next. None of the first plan. */
export function planEvents(previous: PlanState | undefined, next: PlanState): PlanEvent[] {
  if (previous === undefined || previous.plan === next.plan) return [];
  return [...algorithmEvents(previous, next), ...roleEvents(previous, next), ...restEvents(previous, next)];
}

function algorithmEvents(previous: PlanState, next: PlanState): PlanEvent[] {
  if (previous.plan.algorithm === next.plan.algorithm) return [];
  const algorithm = algorithmName(next.plan.algorithm);
  return [event("info", "algorithm-changed", `The bonding algorithm is ${algorithm}.`, { algorithm })];
}

function roleEvents(previous: PlanState, next: PlanState): PlanEvent[] {
  if (previous.activeRole === next.activeRole) return [];
  // A server hears of its clients from dataplane.
  if ([...previous.plan.links, ...next.plan.links].some(({ peer }) => peer !== "")) return [];
  const { summary } = next.plan;
  switch (next.activeRole) {
    case undefined:
      return [event("error", "no-usable-link", summary)];
    case LinkRole.BACKUP:
      return [event("warning", "backup-in-use", summary)];
    case LinkRole.METERED:
      return [event("warning", "metered-in-use", summary)];
    default:
      return [event("info", "primary-in-use", summary)];
  }
}

function restEvents(previous: PlanState, next: PlanState): PlanEvent[] {
  const enabledBefore = new Map(previous.plan.links.map(({ peer, link, enabled }) => [`${peer}/${link}`, enabled]));
  return next.plan.links.flatMap(({ peer, link, enabled, reason }) => {
    if ((enabledBefore.get(`${peer}/${link}`) ?? true) === enabled) return [];
    const name = peer === "" ? link : `${peer}'s ${link}`;
    const fields = peer === "" ? { link } : { peer, link };
    return enabled
      ? [event("info", "link-rest-over", `${name} is used again. ${reason}`, fields)]
      : [event("warning", "link-rests", `${name} is not used for a while. ${reason}`, fields)];
  });
}

function event(severity: EventSeverity, code: string, text: string, fields: Record<string, string> = {}): PlanEvent {
  return { severity, code, text, fields };
}
