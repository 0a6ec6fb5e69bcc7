import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { FileConfig } from "./schema.ts";
import type { Config, Role } from "./types.ts";

/** Ports of a client and of a server differ, so that both can run on one machine. */
const PORTS = {
  client: { grpc: 9443, http: 9080, nats: 9422, dataplane: 9101, linkmon: 9102, scheduler: 9103 },
  server: { grpc: 9543, http: 9180, nats: 9522, dataplane: 9111, linkmon: 9112, scheduler: 9113 },
} as const;

/** Where a role keeps its state unless told otherwise. */
export function defaultStateDir(role: Role): string {
  return `/var/lib/edgebos/${role}`;
}

/** Fills in what depends on the role, on the machine and on where the file lies. */
export function complete(parsed: FileConfig, file: string): Config {
  const directory = dirname(resolve(file));
  const ports = PORTS[parsed.role];
  const local = (port: number) => `127.0.0.1:${port}`;
  const { listen, security, log } = parsed;
  const certificate = resolve(directory, security.certificate);
  return {
    ...parsed,
    node: parsed.node ?? `${parsed.role}-${hostname()}`,
    security: {
      certificate,
      key: resolve(directory, security.key),
      ca: security.ca === undefined ? join(dirname(certificate), "ca.pem") : resolve(directory, security.ca),
    },
    state_dir: parsed.state_dir === undefined ? defaultStateDir(parsed.role) : resolve(directory, parsed.state_dir),
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
