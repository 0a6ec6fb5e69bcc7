/** Forwarding plans, from the bus and from the peer, to what a bond understands. Pure. */

import { common, type control, type plan } from "@edgebos/proto";
import type { Config } from "@edgebos/service";
import type { Algorithm, BondPlan, BondPolicy, LinkRole, PathId, PathPlan } from "@edgebos/tunnel";

/** A path that no plan names. */
export const DEFAULT_PATH_PLAN: PathPlan = { enabled: true, role: "primary", weight: 1, rateLimitBps: 0 };

/** The part of a plan that concerns one peer. */
export interface PeerPlan {
  /** Undefined: no plan says. */
  readonly policy: BondPolicy | undefined;
  readonly links: ReadonlyMap<string, PathPlan>;
}

/** `peer` is empty on a client. */
export function planOfPeer(plan: plan.ForwardingPlan | undefined, peer: string): PeerPlan {
  const links = (plan?.links ?? []).filter((link) => link.peer === peer);
  return {
    policy: plan === undefined ? undefined : policyOf(plan),
    links: new Map(links.map((link) => [link.link, pathPlanOf(link)])),
  };
}

/** A client's plan: by link name to path number. */
export function bondPlan(
  policy: BondPolicy,
  paths: Iterable<readonly [PathId, string]>,
  links: ReadonlyMap<string, PathPlan>,
): BondPlan {
  return { ...policy, paths: new Map([...paths].map(([id, name]) => [id, links.get(name) ?? DEFAULT_PATH_PLAN])) };
}

/**
 * What the server does on a path: the client knows role and weight of its links; either end may cap the rate or keep the
 * path from carrying traffic.
 */
export function mergedPathPlan(client: PathPlan, server: PathPlan | undefined): PathPlan {
  if (server === undefined) return client;
  const limits = [client.rateLimitBps, server.rateLimitBps].filter((bps) => bps > 0);
  return {
    ...client,
    enabled: client.enabled && server.enabled,
    rateLimitBps: limits.length === 0 ? 0 : Math.min(...limits),
  };
}

export function pathPlanOf(message: plan.LinkPlan | control.PathOpen | control.PathUpdate): PathPlan {
  return {
    enabled: message.enabled,
    role: roleOf(message.role),
    weight: message.weight > 0 ? message.weight : 1,
    rateLimitBps: message.rateLimitBps,
  };
}

/** Undefined if the message says nothing of it. */
export function policyOf(message: plan.ForwardingPlan | control.PathUpdate): BondPolicy | undefined {
  const algorithm = algorithmOf(message.algorithm);
  return algorithm === undefined ? undefined : { algorithm, copies: message.copies, fec: !message.fecOff };
}

/** What holds as long as there is no plan. */
export function configuredPolicy({ algorithm, copies, fec }: Config["bonding"]): BondPolicy {
  return { algorithm, copies, fec: fec === "auto" };
}

/** What the server does: the client knows best how its links are used; the server may do without error correction. */
export function mergedPolicy(client: BondPolicy, server: BondPolicy | undefined): BondPolicy {
  return { ...client, fec: (client.fec ?? true) && (server?.fec ?? true) };
}

export function roleOf(role: common.LinkRole): LinkRole {
  if (role === common.LinkRole.BACKUP) return "backup";
  return role === common.LinkRole.METERED ? "metered" : "primary";
}

export function roleMessage(role: LinkRole): common.LinkRole {
  if (role === "backup") return common.LinkRole.BACKUP;
  return role === "metered" ? common.LinkRole.METERED : common.LinkRole.PRIMARY;
}

export function algorithmOf(algorithm: common.Algorithm): Algorithm | undefined {
  return ALGORITHMS.find(([message]) => message === algorithm)?.[1];
}

export function algorithmMessage(algorithm: Algorithm): common.Algorithm {
  return ALGORITHMS.find(([, name]) => name === algorithm)?.[0] ?? common.Algorithm.UNSPECIFIED;
}

const ALGORITHMS: readonly (readonly [common.Algorithm, Algorithm])[] = [
  [common.Algorithm.ROUND_ROBIN, "round-robin"],
  [common.Algorithm.WEIGHTED, "weighted"],
  [common.Algorithm.LATENCY_BASED, "latency-based"],
  [common.Algorithm.ADAPTIVE, "adaptive"],
  [common.Algorithm.REDUNDANT, "redundant"],
];
