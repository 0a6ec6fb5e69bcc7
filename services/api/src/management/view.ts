import { common, type link, type management, type plan, type telemetry } from "@edgebos/proto";
import type { NodeState } from "../state/node-state.ts";

export type Role = "client" | "server";

/** On a client each link with its path; on a server each client's paths, which have no link there. */
export function linkList(state: NodeState, role: Role): management.LinkList {
  const paths = state.telemetry?.paths ?? [];
  if (role === "server") {
    return { links: paths.map((path) => ({ link: undefined, path, plan: planOf(state.plan, path.link, path.peer) })) };
  }
  const links = state.links;
  const known = new Set(links.map(({ name }) => name));
  const pathless = paths.filter((path) => !known.has(path.link));
  return {
    links: [
      ...links.map((value) => linkStatus(value, paths, state.plan)),
      ...pathless.map((path) => ({ link: undefined, path, plan: planOf(state.plan, path.link, "") })),
    ],
  };
}

/** The name by which GetLink finds an entry: the interface on a client, `client/interface` on a server. */
export function linkKey(status: management.LinkStatus, role: Role): string {
  const name = status.link?.name ?? status.path?.link ?? "";
  return role === "server" ? `${status.path?.peer ?? ""}/${name}` : name;
}

/** `nowMs` is wall-clock time, for the case that there is no telemetry. */
export function statistics(state: NodeState, nowMs: number): management.Statistics {
  const { timeMs = nowMs, paths = [], peers = [] } = state.telemetry ?? {};
  return {
    timeMs,
    paths,
    peers,
    txRateBps: sum(paths, (path) => path.txRateBps),
    rxRateBps: sum(paths, (path) => path.rxRateBps),
  };
}

export function countUp(paths: readonly telemetry.PathSample[]): number {
  return paths.filter((path) => path.state === common.PathState.UP).length;
}

function linkStatus(
  value: link.Link,
  paths: readonly telemetry.PathSample[],
  present: plan.ForwardingPlan | undefined,
): management.LinkStatus {
  const path = paths.find((candidate) => candidate.link === value.name);
  return { link: value, path, plan: planOf(present, value.name, "") };
}

function planOf(present: plan.ForwardingPlan | undefined, name: string, peer: string): plan.LinkPlan | undefined {
  return present?.links.find((entry) => entry.link === name && entry.peer === peer);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
