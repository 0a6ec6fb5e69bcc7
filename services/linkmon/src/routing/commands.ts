import { DEFAULT_ROUTE, needsOnLink, type SourceRoute, type SourceRouting, type SourceRule } from "./desired.ts";
import { LINK_ROUTE_PROTOCOL, LINK_RULE_PRIORITY } from "./numbers.ts";

/** Lines for `ip -4 -batch` and `ip -6 -batch`. */
export interface IpCommands {
  readonly 4: readonly string[];
  readonly 6: readonly string[];
}

/**
 * The commands that lead from `present` to `desired`; none if they are equal. Stale rules go first and new rules come
 * last, so that no rule leads into a half-filled table; a changed gateway is replaced in one step, without a moment
 * that has none.
 */
export function routingCommands(
  present: SourceRouting,
  desired: SourceRouting,
  nameOf: (ifindex: number) => string | undefined,
): IpCommands {
  const commands = (family: 4 | 6) => familyCommands(ofFamily(present, family), ofFamily(desired, family), nameOf);
  return { 4: commands(4), 6: commands(6) };
}

function familyCommands(
  present: SourceRouting,
  desired: SourceRouting,
  nameOf: (ifindex: number) => string | undefined,
): string[] {
  const has = { routes: keys(present.routes, routeKey), rules: keys(present.rules, ruleKey) };
  const wants = { routes: keys(desired.routes, routeKey), rules: keys(desired.rules, ruleKey) };
  const newRoutes = desired.routes.filter((route) => !has.routes.has(routeKey(route)));
  const replaced = keys(newRoutes, slotKey);
  const lines: string[] = [];
  for (const rule of present.rules) if (!wants.rules.has(ruleKey(rule))) lines.push(`rule del ${ruleText(rule)}`);
  for (const route of present.routes) {
    const device = nameOf(route.ifindex);
    // A device that is gone took its routes along.
    if (device === undefined || wants.routes.has(routeKey(route)) || replaced.has(slotKey(route))) continue;
    lines.push(`route del ${routeText(route, device, false)}`);
  }
  for (const route of newRoutes) {
    const device = nameOf(route.ifindex);
    if (device === undefined) continue;
    lines.push(`route replace ${routeText(route, device, needsOnLink(route, desired.routes))}`);
  }
  for (const rule of desired.rules) if (!has.rules.has(ruleKey(rule))) lines.push(`rule add ${ruleText(rule)}`);
  return lines;
}

function ruleText(rule: SourceRule): string {
  return `from ${rule.from} lookup ${rule.table} priority ${LINK_RULE_PRIORITY} protocol ${LINK_ROUTE_PROTOCOL}`;
}

function routeText(route: SourceRoute, device: string, onLink: boolean): string {
  const destination = route.destination === DEFAULT_ROUTE[route.family] ? "default" : route.destination;
  const parts = [destination];
  if (route.gateway !== undefined) parts.push("via", route.gateway);
  parts.push("dev", device);
  if (onLink) parts.push("onlink");
  parts.push("table", String(route.table), "protocol", String(LINK_ROUTE_PROTOCOL));
  return parts.join(" ");
}

function ofFamily(routing: SourceRouting, family: 4 | 6): SourceRouting {
  return {
    routes: routing.routes.filter((route) => route.family === family),
    rules: routing.rules.filter((rule) => rule.family === family),
  };
}

function keys<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlySet<string> {
  return new Set(items.map(keyOf));
}

function routeKey(route: SourceRoute): string {
  return `${slotKey(route)} ${route.gateway ?? ""} ${route.ifindex}`;
}

/** What `route replace` overwrites: the entry of the same table and destination. */
function slotKey(route: SourceRoute): string {
  return `${route.table} ${route.destination}`;
}

function ruleKey(rule: SourceRule): string {
  return `${rule.from} ${rule.table}`;
}
