/** Commands that concern one session's bond alone. */

import type { Bond, Micros, PathId } from "@edgebos/tunnel";
import type { Command } from "./commands.ts";

type Announcement = Extract<Command, { kind: "open-path" }>;
export type BondCommand = Extract<Command, { kind: "install-keys" | "open-path" | "suspend-path" | "apply-plan" }>;

/** Throws TunnelError for what the pool has no room for. */
export function runBondCommand(bond: Bond, command: BondCommand, now: Micros): void {
  switch (command.kind) {
    case "install-keys":
      bond.installKeys(command.epoch, command.sendKey, command.receiveKey, now);
      return;
    case "open-path":
      announcePath(bond, command.path as PathId, command, now);
      return;
    case "suspend-path":
      if (bond.pathIds().includes(command.path as PathId)) bond.suspendPath(command.path as PathId, now);
      return;
    case "apply-plan":
      bond.applyPlan(command.plan, now);
      return;
  }
}

/**
 * An announcement is repeated with each control connection. It must not disturb a path that goes on: only one that was suspended starts
 * afresh; a client suspends before it changes one.
 */
function announcePath(bond: Bond, path: PathId, announced: Announcement, now: Micros): void {
  const { name, maxDatagramBytes, headerBytes } = announced;
  const options = { name, maxDatagramBytes, headerBytes };
  if (!bond.pathIds().includes(path)) bond.openPath(path, options, now);
  else if (bond.pathStats(path).state === "suspended") bond.resumePath(path, options, now);
}
