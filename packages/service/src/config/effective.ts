import { stringify } from "yaml";
import type { Config } from "./types.ts";

/** The effective configuration as YAML, keys always in the same order. `parseConfig` reads it back to an equal Config. */
export function configYaml(config: Config): string {
  const { role, node, server, interfaces, bonding, security, tunnel, routing, state_dir, listen, log } = config;
  const ordered = { role, node, server, interfaces, bonding, security, tunnel, routing, state_dir, listen, log };
  return stringify(ordered, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Beginnings of keys whose change takes effect only after a restart. */
export const RESTART_KEYS: readonly string[] = [
  "role",
  "node",
  "server",
  "security",
  "tunnel",
  "routing",
  "state_dir",
  "listen",
  "log.format",
];
