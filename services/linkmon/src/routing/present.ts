import type { RouteInfo } from "@edgebos/linux-io";
import { canonicalAddress } from "../detect/prefix.ts";
import type { SourceRoute, SourceRule } from "./desired.ts";
import { LINK_ROUTE_PROTOCOL, LINK_RULE_PRIORITY, LINK_TABLE_BASE } from "./numbers.ts";

/** Those of the kernel's routes that are ours, known by their protocol number. */
export function ownRoutes(routes: readonly RouteInfo[]): SourceRoute[] {
  return routes
    .filter((route) => route.protocol === LINK_ROUTE_PROTOCOL && route.table > LINK_TABLE_BASE)
    .map(({ family, table, destination, gateway, ifindex }) => ({ family, table, destination, gateway, ifindex }));
}

/** Those rules of `ip -N -json rule show` that are ours, known by priority and table. */
export function ownRules(json: string, family: 4 | 6): SourceRule[] {
  const rules: SourceRule[] = [];
  for (const entry of JSON.parse(json === "" ? "[]" : json) as RuleEntry[]) {
    const table = Number(entry.table);
    const from = canonicalAddress(entry.src ?? "");
    if (entry.priority !== LINK_RULE_PRIORITY || !(table > LINK_TABLE_BASE) || from === undefined) continue;
    rules.push({ family, from, table });
  }
  return rules;
}

interface RuleEntry {
  readonly priority?: number;
  readonly src?: string;
  readonly table?: string;
}
