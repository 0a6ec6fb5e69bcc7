import type { AddressInfo, LinkInfo, RouteInfo } from "@edgebos/linux-io";
import type { common } from "@edgebos/proto";
import { LINK_ROUTE_PROTOCOL, linkTable, TUNNEL_TABLE } from "../routing/numbers.ts";
import { isCandidate, type LinkSelection } from "./candidate.ts";
import { HARDWARE } from "./kind.ts";
import { isLinkLocalV4, isLinkLocalV6, sharesNetwork } from "./prefix.ts";

/** What the kernel has at one moment. */
export interface KernelSnapshot {
  readonly links: readonly LinkInfo[];
  readonly addresses: readonly AddressInfo[];
  readonly routes: readonly RouteInfo[];
}

/** A usable global source address. */
export interface SourceAddress {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
}

/** One interface that belongs to the bond, whether it can carry traffic at this moment or not. */
export interface Uplink {
  readonly name: string;
  /** 0 = configured, but the machine has no such interface at this moment. */
  readonly ifindex: number;
  readonly kind: common.LinkKind;
  readonly mtuBytes: number;
  readonly up: boolean;
  readonly carrier: boolean;
  /** IPv4 first. */
  readonly sources: readonly SourceAddress[];
  /** Empty = none. {@link ON_LINK} = a default route without a next hop (point-to-point). */
  readonly gatewayV4: string;
  readonly gatewayV6: string;
}

/** The gateway of a link that needs none, because it has only one other end. */
export const ON_LINK = { 4: "0.0.0.0", 6: "::" } as const;

/** What is remembered from one look at the kernel to the next. */
export interface UplinkMemory {
  /** Interfaces that have been uplinks since they appeared: they stay listed while they exist. */
  readonly known: ReadonlySet<string>;
  /** Last IPv4 gateway by ifindex. */
  readonly gatewaysV4: ReadonlyMap<number, string>;
}

export const NO_MEMORY: UplinkMemory = { known: new Set(), gatewaysV4: new Map() };

/**
 * Finds the links of the bond. With `auto_detect`, an interface joins when it has carrier, a usable global address and
 * a default gateway of that family, and stays listed until it disappears; `manual` ones are always listed. IPv4
 * gateways are remembered: taking an interface down and up removes its default route, and DHCP clients put only one
 * default route into the main table, but the gateway is still there as long as the address is.
 */
export function findUplinks(
  kernel: KernelSnapshot,
  selection: LinkSelection,
  kindOf: (link: LinkInfo) => common.LinkKind,
  memory: UplinkMemory = NO_MEMORY,
): Uplink[] {
  const manual = new Set(selection.interfaces.manual.map((entry) => entry.name));
  const found: Uplink[] = [];
  for (const link of kernel.links) {
    if (!isCandidate(link, selection)) continue;
    const uplink = describe(link, kernel, kindOf(link), memory.gatewaysV4.get(link.ifindex));
    if (manual.has(link.name) || memory.known.has(link.name) || isUsable(uplink)) found.push(uplink);
  }
  const present = new Set(kernel.links.map((link) => link.name));
  for (const name of manual) if (!present.has(name)) found.push(absent(name));
  return found;
}

/** Remembers what {@link findUplinks} found. An interface that went is forgotten, so that its name starts afresh. */
export function rememberUplinks(uplinks: readonly Uplink[], previous: UplinkMemory = NO_MEMORY): UplinkMemory {
  const present = uplinks.filter((uplink) => uplink.ifindex !== 0);
  const gatewaysV4 = new Map<number, string>();
  for (const { ifindex, gatewayV4 } of present) {
    const gateway = gatewayV4 === "" ? previous.gatewaysV4.get(ifindex) : gatewayV4;
    if (gateway !== undefined) gatewaysV4.set(ifindex, gateway);
  }
  return { known: new Set(present.map((uplink) => uplink.name)), gatewaysV4 };
}

/** Whether packets can leave: up, carrier, and an address with a gateway of the same family. */
export function isUsable(uplink: Uplink): boolean {
  return uplink.up && uplink.carrier && usableSources(uplink).length > 0;
}

/** The addresses whose family has a gateway. */
export function usableSources(uplink: Uplink): SourceAddress[] {
  return uplink.sources.filter(({ family }) => gatewayOf(uplink, family) !== "");
}

export function gatewayOf(uplink: Uplink, family: 4 | 6): string {
  return family === 4 ? uplink.gatewayV4 : uplink.gatewayV6;
}

function describe(link: LinkInfo, kernel: KernelSnapshot, kind: common.LinkKind, remembered?: string): Uplink {
  const sources = sourcesOf(link, kernel.addresses);
  return {
    name: link.name,
    ifindex: link.ifindex,
    kind,
    mtuBytes: link.mtuBytes,
    up: link.up,
    carrier: link.carrier,
    sources,
    gatewayV4: findGateway(link, 4, sources, kernel.routes, remembered),
    gatewayV6: findGateway(link, 6, sources, kernel.routes, undefined),
  };
}

function absent(name: string): Uplink {
  return {
    name,
    ifindex: 0,
    kind: 0,
    mtuBytes: 0,
    up: false,
    carrier: false,
    sources: [],
    gatewayV4: "",
    gatewayV6: "",
  };
}

function sourcesOf(link: LinkInfo, addresses: readonly AddressInfo[]): SourceAddress[] {
  return addresses
    .filter((entry) => entry.ifindex === link.ifindex && entry.usable && entry.scope === "global")
    .filter(({ address }) => !isLinkLocalV4(address) && !isLinkLocalV6(address))
    .map(({ family, address, prefixLength }) => ({ family, address, prefixLength }))
    .sort((a, b) => a.family - b.family);
}

function findGateway(
  link: LinkInfo,
  family: 4 | 6,
  sources: readonly SourceAddress[],
  routes: readonly RouteInfo[],
  remembered: string | undefined,
): string {
  const own = sources.filter((source) => source.family === family);
  if (own.length === 0) return "";
  const defaults = routes
    .filter((route) => route.ifindex === link.ifindex && route.family === family && isDefault(route))
    .filter((route) => route.table !== TUNNEL_TABLE);
  const theirs = defaults.filter((route) => route.protocol !== LINK_ROUTE_PROTOCOL).sort(byPreference)[0];
  if (theirs) return theirs.gateway ?? ON_LINK[family];
  if (POINT_TO_POINT.has(link.hardwareType)) return ON_LINK[family];
  if (family === 6) return "";
  // What an earlier run of this service put into the link's table serves as memory across a restart.
  const ours = defaults.find((route) => route.table === linkTable(link.ifindex))?.gateway;
  const last = remembered ?? ours;
  const reachable =
    last !== undefined && own.some((source) => sharesNetwork(last, source.address, source.prefixLength));
  return reachable ? last : "";
}

function isDefault(route: RouteInfo): boolean {
  return route.destination === "0.0.0.0/0" || route.destination === "::/0";
}

/** A next hop before none, then the main table, then the lowest metric. */
function byPreference(a: RouteInfo, b: RouteInfo): number {
  const rank = (route: RouteInfo) => (route.gateway === undefined ? 2 : 0) + (route.table === MAIN_TABLE ? 0 : 1);
  return rank(a) - rank(b) || a.metric - b.metric;
}

/** RT_TABLE_MAIN of linux/rtnetlink.h. */
const MAIN_TABLE = 254;

/** Hardware types with a single other end: no route is needed to know where a packet goes. */
const POINT_TO_POINT: ReadonlySet<number> = new Set([HARDWARE.PPP, HARDWARE.RAW_IP]);
