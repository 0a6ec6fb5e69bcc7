/**
 * From the routes and rules that are there to those that should be, without a moment in which traffic could take another way:
 * what is missing is added first, then what is too much goes. Pure; reads what `ip rule show` and `ip route show` print.
 */

import { canonicalDestination, type IpBatch, RULE_LOCAL, RULE_SERVER, RULE_TUNNEL, TUNNEL_TABLE } from "./commands.ts";

/** The lines of {@link IpBatch} that would make what `ruleText` and `routeText` show. Foreign rules are left out. */
export function presentLines(ruleText: string, routeText: string): string[] {
  const rules = ruleText
    .split("\n")
    .map((line) => /^(\d+):\s+from all (.*?)\s*$/.exec(line))
    .filter((match) => match !== null && OUR_PRIORITIES.has(Number(match[1])))
    .map((match) => `rule add priority ${match![1]} ${match![2]}`);
  const routes = routeText
    .split("\n")
    .map((line) => /^(\S+) dev (\S+)/.exec(line))
    .filter((match) => match !== null)
    .map((match) => `route replace ${canonicalDestination(match[1]!)} dev ${match[2]} table ${TUNNEL_TABLE}`);
  return [...routes, ...rules];
}

/** Commands that lead from `present` to `wanted`, both as lines that add. Lines that are present twice are removed once too. */
export function reconcile(present: readonly string[], wanted: readonly string[]): { add: string[]; remove: string[] } {
  const spare = [...present];
  const add: string[] = [];
  for (const line of wanted) {
    const at = spare.indexOf(line);
    if (at >= 0) spare.splice(at, 1);
    else add.push(line);
  }
  return { add, remove: spare.map(removal) };
}

export const NOTHING: IpBatch = { v4: [], v6: [] };

const OUR_PRIORITIES = new Set([RULE_SERVER, RULE_LOCAL, RULE_TUNNEL]);

function removal(line: string): string {
  return line.replace(/^rule add/, "rule del").replace(/^route replace/, "route del");
}
