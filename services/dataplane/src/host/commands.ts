/**
 * Texts for `ip -batch`: addresses of the tunnel device, routes and rules. Pure; `host.ts` runs them.
 *
 * Rules of a client that sends traffic into the tunnel, as wg-quick has them:
 *
 *   21000  to <server> lookup main                  the tunnel's own packets stay outside
 *   22000  lookup main suppress_prefixlength 0      local networks stay local, the default routes of `main` do not count
 *   23000  lookup 8443                              everything else (or `routing.routes`) goes into the tunnel
 *
 * The lines that add are also how `reconcile.ts` names what is there. Sockets bound to a link's address are routed before these, by linkmon's rules at 20000.
 */

import { isIP } from "node:net";
import { parsePrefix } from "./addresses.ts";

export const RULE_SERVER = 21_000;
export const RULE_LOCAL = 22_000;
export const RULE_TUNNEL = 23_000;
export const TUNNEL_TABLE = 8443;

/** Packets that may wait in the TUN device for the loop. Ours: 50 ms, as long as a busy machine may keep the loop from running, at the 100,000 packets per second that it can carry. */
const TUN_QUEUE_PACKETS = 5000;

export interface DeviceSettings {
  readonly device: string;
  readonly mtuBytes: number;
  /** Inner addresses with the pool's prefix length. */
  readonly v4: { readonly address: string; readonly prefix: number };
  readonly v6: { readonly address: string; readonly prefix: number };
}

export interface RouteSettings {
  readonly device: string;
  readonly mode: "default" | "split" | "none";
  /** Prefixes for `split`. */
  readonly routes: readonly string[];
  /** Every address at which the server is dialled. */
  readonly serverAddresses: readonly string[];
}

/** Lines for `ip -4 -batch` and `ip -6 -batch`: a batch has no family of its own per line. */
export interface IpBatch {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

/** Idempotent. Addresses of an earlier run are for the caller to remove ({@link removeAddress}). */
export function deviceCommands(settings: DeviceSettings): IpBatch {
  const { device, v4, v6 } = settings;
  return {
    v4: [
      // Without a link-local address the kernel does not solicit routers through the tunnel.
      `link set dev ${device} addrgenmode none`,
      `link set dev ${device} mtu ${settings.mtuBytes} txqueuelen ${TUN_QUEUE_PACKETS} up`,
      `addr replace ${v4.address}/${v4.prefix} dev ${device}`,
    ],
    v6: [`addr replace ${v6.address}/${v6.prefix} dev ${device} nodad`],
  };
}

export function removeAddress(device: string, addressWithPrefix: string): IpBatch {
  const line = `addr del ${addressWithPrefix} dev ${device}`;
  return isIPv6(addressWithPrefix) ? { v4: [], v6: [line] } : { v4: [line], v6: [] };
}

/** What leads traffic into the tunnel. `rule add` does not replace: see `reconcile.ts`. */
export function routeCommands(settings: RouteSettings): IpBatch {
  if (settings.mode === "none") return { v4: [], v6: [] };
  const destinations = settings.mode === "default" ? ["default"] : settings.routes;
  const lines = (of: (address: string) => boolean) => [
    ...destinations
      .filter(of)
      .map((to) => `route replace ${canonicalDestination(to)} dev ${settings.device} table ${TUNNEL_TABLE}`),
    ...settings.serverAddresses.filter(of).map((to) => `rule add priority ${RULE_SERVER} to ${to} lookup main`),
    `rule add priority ${RULE_LOCAL} lookup main suppress_prefixlength 0`,
    `rule add priority ${RULE_TUNNEL} lookup ${TUNNEL_TABLE}`,
  ];
  return { v4: lines((address) => !isIPv6(address)), v6: lines((address) => address === "default" || isIPv6(address)) };
}

/** One text for each destination of a route: `ip route show` leaves out the length of a host's prefix, and has "default" for that of all. */
export function canonicalDestination(destination: string): string {
  if (destination === "default") return destination;
  const hostBits = isIPv6(destination) ? 128 : 32;
  const { length, text } = parsePrefix(destination.includes("/") ? destination : `${destination}/${hostBits}`);
  return length === 0 ? "default" : text;
}

/** Largest inner packet that fits one datagram of a link with this MTU, given the family of the server's address. */
export function innerMtuBytes(linkMtuBytes: number, outerFamily: 4 | 6): number {
  return Math.max(MIN_INNER_MTU_BYTES, maxDatagramBytes(linkMtuBytes, outerFamily) - TUNNEL_HEADER_BYTES);
}

/** Largest UDP payload of a link with this MTU. */
export function maxDatagramBytes(linkMtuBytes: number, outerFamily: 4 | 6): number {
  return linkMtuBytes - outerHeaderBytes(outerFamily);
}

/** IP and UDP headers of each datagram. RFC 791, RFC 8200, RFC 768. */
export function outerHeaderBytes(outerFamily: 4 | 6): number {
  return outerFamily === 4 ? 28 : 48;
}

/** Packet header, lane header and tag: docs/protocol.md §3 and §5. */
const TUNNEL_HEADER_BYTES = 36;
/** IPv6 needs it of every link, RFC 8200 §5; the tunnel splits what a link cannot carry in one datagram. */
const MIN_INNER_MTU_BYTES = 1280;

function isIPv6(addressOrPrefix: string): boolean {
  return isIP(addressOrPrefix.replace(/\/.*$/, "")) === 6;
}
