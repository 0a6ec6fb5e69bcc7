import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { type Config, parseEndpoint, type Role } from "@edgebos/service/config";
import { CommandError } from "../errors.ts";

/** CAP_NET_ADMIN's bit in the effective set of /proc/self/status (capabilities(7)). */
const CAP_NET_ADMIN = 12n;

/** Checks before anything is started what would otherwise show as services that die one after the other. */
export function preflight(role: Role, config: Config, configFile: string): void {
  checkRole(role, config, configFile);
  checkPrivileges(role);
  checkFiles(config);
}

/** The same for the ports, once nothing of an earlier run can hold them. */
export async function checkPorts(config: Config): Promise<void> {
  const { grpc, http, nats, metrics } = config.listen;
  const addresses = { grpc, http, nats, ...prefixed("metrics.", metrics) };
  for (const [key, address] of Object.entries(addresses)) {
    const fault = await cannotListen(address);
    if (fault === undefined) continue;
    const why = fault === "EADDRINUSE" ? "another program, or another instance, listens there" : fault;
    throw new CommandError(
      "port-taken",
      `listen.${key}: cannot listen on ${address}: ${why}; change it in the configuration`,
    );
  }
}

function checkRole(role: Role, config: Config, configFile: string): void {
  if (config.role === role) return;
  throw new CommandError(
    "wrong-role",
    `${configFile} is the configuration of a ${config.role}: start it with edgebos-${config.role}, or set "role: ${role}" in it`,
  );
}

function checkPrivileges(role: Role): void {
  if (!canAdministerNetwork()) {
    throw new CommandError(
      "not-root",
      `edgebos-${role} needs root, or the capability CAP_NET_ADMIN, for its tunnel interface and routes: run it with sudo`,
    );
  }
  if (!existsSync("/dev/net/tun")) {
    throw new CommandError(
      "no-tun",
      '/dev/net/tun is missing: load the module with "modprobe tun", or pass the device to the container',
    );
  }
}

function canAdministerNetwork(): boolean {
  if (process.geteuid?.() === 0) return true;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return (BigInt(`0x${effective}`) >> CAP_NET_ADMIN) % 2n === 1n;
}

function checkFiles(config: Config): void {
  for (const key of ["certificate", "key", "ca"] as const) {
    const file = config.security[key];
    try {
      accessSync(file, constants.R_OK);
    } catch (cause) {
      const why = existsSync(file) ? "cannot be read" : "does not exist";
      const advice = 'a client\'s files come from "edgebos-server client add", a server\'s from "edgebos-server init"';
      throw new CommandError("certificate-missing", `security.${key}: ${file} ${why}; ${advice}`, undefined, cause);
    }
  }
}

function prefixed(prefix: string, entries: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [`${prefix}${key}`, value]));
}

function cannotListen(address: string): Promise<string | undefined> {
  const { host, port } = parseEndpoint(address);
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}
