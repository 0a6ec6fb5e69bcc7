import { common } from "@edgebos/proto";
import type { Config } from "@edgebos/service";
import { type Candidate, isUsable } from "./candidate.ts";

const { LinkCondition, LinkRole } = common;

/** Why a path is planned as it is. `activeRole` is the role of those that carry traffic, undefined if none can. */
export function linkReason(candidate: Candidate, rests: boolean, activeRole: common.LinkRole | undefined): string {
  if (rests) return "Rests, because it lost too much to be of use; it is tried again after a while.";
  if (!isUsable(candidate)) return UNUSABLE[candidate.condition] ?? "Takes part as soon as it works.";
  if (candidate.role !== activeRole) return STANDS_BY[candidate.role] ?? "Stands by.";
  if (candidate.role === LinkRole.BACKUP) return "Carries traffic, because no primary link can.";
  if (candidate.role === LinkRole.METERED)
    return "Carries traffic although it costs by the byte, because no other link can.";
  return candidate.condition === LinkCondition.DEGRADED ? "Carries traffic, although degraded." : "Carries traffic.";
}

/** A client's plan in one sentence. `carrying` are the links that carry traffic at this moment. */
export function clientSummary(
  algorithm: Config["bonding"]["algorithm"],
  carrying: readonly string[],
  standingBy: readonly string[],
  activeRole: common.LinkRole | undefined,
): string {
  if (carrying.length === 0) return "No link can carry traffic at the moment.";
  const kind =
    activeRole === LinkRole.BACKUP ? " as backup" : activeRole === LinkRole.METERED ? " as metered link" : "";
  const waiting =
    standingBy.length === 0 ? "" : `; ${list(standingBy)} ${standingBy.length === 1 ? "stands" : "stand"} by`;
  if (carrying.length === 1) return `All traffic over ${carrying[0]}${kind}${waiting}.`;
  return `${ALGORITHM_WORDS[algorithm]} over ${list(carrying)}${waiting}.`;
}

export function serverSummary(algorithm: Config["bonding"]["algorithm"], clients: number, usablePaths: number): string {
  if (clients === 0) return "No client is connected.";
  return `${ALGORITHM_WORDS[algorithm]} over ${count(usablePaths, "path")} of ${count(clients, "client")}.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

const ALGORITHM_WORDS: Readonly<Record<Config["bonding"]["algorithm"], string>> = {
  "round-robin": "Round-robin bonding",
  weighted: "Weighted bonding",
  "latency-based": "Latency-based bonding",
  adaptive: "Adaptive bonding",
  redundant: "Redundant sending",
};

const STANDS_BY: Partial<Record<common.LinkRole, string>> = {
  [LinkRole.BACKUP]: "Stands by: a backup carries traffic when no primary link can.",
  [LinkRole.METERED]: "Stands by: a metered link carries traffic when no other link can.",
};

const UNUSABLE: Partial<Record<common.LinkCondition, string>> = {
  [LinkCondition.DOWN]: "Down; takes part as soon as it is back.",
  [LinkCondition.CONNECTING]: "Takes part as soon as the other end answers over it.",
  [LinkCondition.STALLED]: "Stalled; takes part as soon as answers come back.",
};
