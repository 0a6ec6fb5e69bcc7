import { isLinkLocalV6, networkOf, sharesNetwork } from "../detect/prefix.ts";
import { gatewayOf, ON_LINK, type SourceAddress, type Uplink } from "../detect/uplink.ts";
import { linkTable } from "./numbers.ts";

export interface SourceRoute {
  readonly family: 4 | 6;
  readonly table: number;
  /** Prefix, `0.0.0.0/0` or `::/0` for the default route. */
  readonly destination: string;
  /** Undefined = on the link itself. */
  readonly gateway: string | undefined;
  readonly ifindex: number;
}

export interface SourceRule {
  readonly family: 4 | 6;
  /** Address without prefix length. */
  readonly from: string;
  readonly table: number;
}

/** Source routing of all links: what stands, or shall stand, in the kernel. */
export interface SourceRouting {
  readonly routes: readonly SourceRoute[];
  readonly rules: readonly SourceRule[];
}

export const NO_ROUTING: SourceRouting = { routes: [], rules: [] };

/**
 * For each link a table of its own with its connected networks and its default route, and for each of its addresses a
 * rule that leads there: what is sent from an address of a link leaves through this link. Carrier plays no part, so
 * that a cable pulled and put back changes nothing.
 */
export function desiredRouting(uplinks: readonly Uplink[]): SourceRouting {
  const routes: SourceRoute[] = [];
  const rules: SourceRule[] = [];
  for (const uplink of uplinks) {
    if (!uplink.up) continue;
    for (const family of [4, 6] as const) {
      const sources = uplink.sources.filter((source) => source.family === family);
      const gateway = gatewayOf(uplink, family);
      if (sources.length === 0 || gateway === "") continue;
      routes.push(...tableOf(uplink.ifindex, family, sources, gateway));
      for (const { address } of sources) rules.push({ family, from: address, table: linkTable(uplink.ifindex) });
    }
  }
  return { routes, rules };
}

/** Whether the default route needs `onlink`: its gateway is in no network of the link. */
export function needsOnLink(route: SourceRoute, all: readonly SourceRoute[]): boolean {
  const { gateway } = route;
  if (gateway === undefined || isLinkLocalV6(gateway)) return false;
  return !all.some(({ table, family, gateway: via, destination }) => {
    if (table !== route.table || family !== route.family || via !== undefined) return false;
    const [network, length] = destination.split("/") as [string, string];
    return sharesNetwork(gateway, network, Number(length));
  });
}

function tableOf(ifindex: number, family: 4 | 6, sources: readonly SourceAddress[], gateway: string): SourceRoute[] {
  const table = linkTable(ifindex);
  const hostBits = family === 4 ? 32 : 128;
  const networks = new Set(
    sources.filter((s) => s.prefixLength < hostBits).map((s) => networkOf(s.address, s.prefixLength)),
  );
  const connected = [...networks].map((destination) => ({ family, table, destination, gateway: undefined, ifindex }));
  const via = gateway === ON_LINK[family] ? undefined : gateway;
  return [...connected, { family, table, destination: DEFAULT_ROUTE[family], gateway: via, ifindex }];
}

export const DEFAULT_ROUTE = { 4: "0.0.0.0/0", 6: "::/0" } as const;
