import { join } from "node:path";

/** The four services, in the order in which they are started. */
export const SERVICES = ["linkmon", "dataplane", "scheduler", "api"] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Where everything lies below `state_dir`. */
export function stateFiles(stateDir: string) {
  return {
    /** Pids, start times and sockets of what runs: nothing in it outlives a stop. */
    runDir: join(stateDir, "run"),
    supervisor: join(stateDir, "run", "supervisor.json"),
    /** The configuration as the supervisor validated it. */
    validatedConfig: join(stateDir, "run", "config.json"),
    natsConfig: join(stateDir, "run", "nats.conf"),
    /** Secret that the private nats-server asks of its clients. Mode 0600. */
    natsToken: join(stateDir, "nats-token"),
    natsStore: join(stateDir, "nats"),
    logDir: join(stateDir, "logs"),
    log: join(stateDir, "logs", "edgebos.log"),
    natsLog: join(stateDir, "logs", "nats.log"),
    /** Compiled code of the services (NODE_COMPILE_CACHE). */
    codeCache: join(stateDir, "cache"),
    /** Name of the tunnel interface that this instance has, where the configuration leaves the choice. */
    tunnelInterface: join(stateDir, "tunnel-interface"),
    /** Clients that the server lets in. */
    clients: join(stateDir, "clients.yaml"),
  } as const;
}

/** The Unix socket on which a service answers gRPC. */
export function serviceSocketIn(stateDir: string, service: string): string {
  return join(stateDir, "run", `${service}.sock`);
}
