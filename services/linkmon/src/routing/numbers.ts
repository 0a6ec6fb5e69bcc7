/**
 * Numbers by which the kernel's routing tables and rules are shared out. They are part of the agreement with dataplane
 * (README).
 */

/** Table of link i = this + its ifindex. */
export const LINK_TABLE_BASE = 8500;

/** Priority of the rules `from <address of a link> lookup <its table>`: ahead of dataplane's 21000–23000. */
export const LINK_RULE_PRIORITY = 20_000;

/** rtm_protocol that marks our routes, so that they are known as ours after a crash; not assigned in rt_protos. */
export const LINK_ROUTE_PROTOCOL = 85;

/** Table of the tunnel's own routes, written by dataplane. */
export const TUNNEL_TABLE = 8443;

export function linkTable(ifindex: number): number {
  return LINK_TABLE_BASE + ifindex;
}
