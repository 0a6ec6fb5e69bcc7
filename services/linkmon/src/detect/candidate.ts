import type { LinkInfo } from "@edgebos/linux-io";
import type { Config } from "@edgebos/service";
import { HARDWARE } from "./kind.ts";

/** The part of the configuration that says which interfaces are links. */
export type LinkSelection = {
  readonly interfaces: Pick<Config["interfaces"], "auto_detect" | "manual" | "exclude">;
  readonly tunnel: Pick<Config["tunnel"], "interface">;
};

/**
 * Whether an interface may belong to the bond at all. Loopback, the tunnel itself and what `exclude` names never do;
 * interfaces that are usually the machine's own (bridges, docker, other EdgeBOS tunnels) only if `manual` names them.
 */
export function isCandidate(link: LinkInfo, config: LinkSelection): boolean {
  if (link.hardwareType === HARDWARE.LOOPBACK || link.name === config.tunnel.interface) return false;
  const { auto_detect, manual, exclude } = config.interfaces;
  if (exclude.some((pattern) => matchesPattern(link.name, pattern))) return false;
  if (manual.some((entry) => entry.name === link.name)) return true;
  return auto_detect && !isInternal(link);
}

/** `pattern` is a name, or the beginning of one followed by `*`. */
export function matchesPattern(name: string, pattern: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function isInternal(link: LinkInfo): boolean {
  return INTERNAL_KINDS.has(link.driverKind) || INTERNAL_NAMES.some((pattern) => matchesPattern(link.name, pattern));
}

/** IFLA_INFO_KIND of devices that lead into the machine or nowhere. */
const INTERNAL_KINDS = new Set(["bridge", "dummy", "ifb", "vrf", "vxlan", "nlmon"]);

const INTERNAL_NAMES = ["docker*", "edgebos*"];
