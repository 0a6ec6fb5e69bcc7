import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import { stateFiles } from "../state-files.ts";
import type { FileConfig } from "./schema.ts";
import type { Config, Role } from "./types.ts";

/** Ports of a client and of a server differ, so that both can run on one machine. */
const PORTS = {
  client: { grpc: 9443, http: 9080, nats: 9422, dataplane: 9101, linkmon: 9102, scheduler: 9103 },
  server: { grpc: 9543, http: 9180, nats: 9522, dataplane: 9111, linkmon: 9112, scheduler: 9113 },
} as const;

/** Name of the tunnel interface, unless another instance on this machine has it. */
export const DEFAULT_TUNNEL_INTERFACE = "edgebos0";

/** Where a role keeps its state unless told otherwise. */
export function defaultStateDir(role: Role): string {
  return `/var/lib/edgebos/${role}`;
}

/** Fills in what depends on the role, on the machine and on where the file lies. */
export function complete(parsed: FileConfig, file: string): Config {
  const directory = dirname(resolve(file));
  const ports = PORTS[parsed.role];
  const local = (port: number) => `127.0.0.1:${port}`;
  const { listen, security, log, tunnel } = parsed;
  const { mtu, pool_ipv4, pool_ipv6 } = tunnel;
  const certificate = resolve(directory, security.certificate);
  const stateDir = parsed.state_dir === undefined ? defaultStateDir(parsed.role) : resolve(directory, parsed.state_dir);
  return {
    ...parsed,
    node: parsed.node ?? `${parsed.role}-${hostname()}`,
    security: {
      certificate,
      key: resolve(directory, security.key),
      ca: security.ca === undefined ? join(dirname(certificate), "ca.pem") : resolve(directory, security.ca),
    },
    tunnel: { interface: tunnel.interface ?? ownTunnelInterface(stateDir), mtu, pool_ipv4, pool_ipv6 },
    state_dir: stateDir,
    listen: {
      grpc: listen.grpc ?? local(ports.grpc),
      http: listen.http ?? local(ports.http),
      nats: listen.nats ?? local(ports.nats),
      metrics: {
        dataplane: listen.metrics.dataplane ?? local(ports.dataplane),
        linkmon: listen.metrics.linkmon ?? local(ports.linkmon),
        scheduler: listen.metrics.scheduler ?? local(ports.scheduler),
      },
    },
    log: { level: log.level, format: log.format ?? (process.stdout.isTTY ? "pretty" : "json") },
  };
}

/** What the supervisor chose for the instance of this state directory. */
function ownTunnelInterface(stateDir: string): string {
  try {
    return readFileSync(stateFiles(stateDir).tunnelInterface, "utf8").trim() || DEFAULT_TUNNEL_INTERFACE;
  } catch {
    return DEFAULT_TUNNEL_INTERFACE;
  }
}
