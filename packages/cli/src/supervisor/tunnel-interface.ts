import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Config, loadConfig } from "@edgebos/service/config";
import { stateFiles } from "@edgebos/service/state-files";
import { CommandError } from "../errors.ts";

/** Names that are tried: edgebos0 to edgebos9. */
const NAMES = Array.from({ length: 10 }, (_, index) => `edgebos${index}`);

/**
 * Claims a tunnel interface for this instance and gives the configuration that names it. An interface of that name which this instance did not
 * make belongs to another one: then the next free name is taken, unless the configuration insists on its own. The claim is a file in the state
 * directory, so that whoever reads the configuration sees the same name, and a start after a crash takes the same device again.
 */
export function claimTunnelInterface(config: Config, configFile: string): Config {
  const { tunnelInterface } = stateFiles(config.state_dir);
  const wanted = config.tunnel.interface;
  if (!exists(wanted) || claimed(tunnelInterface) === wanted) {
    writeFileSync(tunnelInterface, `${wanted}\n`);
    return config;
  }
  const free = NAMES.find((name) => !exists(name));
  if (free !== undefined) {
    writeFileSync(tunnelInterface, `${free}\n`);
    const changed = loadConfig(configFile);
    if (changed.tunnel.interface === free) return changed;
  }
  releaseTunnelInterface(config.state_dir);
  throw new CommandError(
    "tunnel-interface-taken",
    `tunnel.interface: ${wanted} exists and is not of this instance: choose another name in ${configFile}, or remove it with "ip link delete ${wanted}"`,
  );
}

/** After a stop nothing of the instance is left in the kernel. */
export function releaseTunnelInterface(stateDir: string): void {
  rmSync(stateFiles(stateDir).tunnelInterface, { force: true });
}

function exists(name: string): boolean {
  return existsSync(`/sys/class/net/${name}`);
}

function claimed(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}
