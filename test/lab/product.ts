/** The real product in a lab, started by the commands that its users type. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import type { LabClient } from "./plan.ts";
import { SERVER_ADDRESS } from "./plan.ts";
import { CommandError, run } from "./process.ts";
import { getJson, startRelay } from "./relay.ts";
import type { Lab } from "./topology.ts";

export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
/** An instance compiles the services' code at its first start; all labs may use the result. */
export const CODE_CACHE = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "/run/edgebos-lab/code-cache" };
const START_TIMEOUT_MS = 60_000;
const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

/** Part of a config.yaml that is laid over what the product wrote. */
export type Overrides = { readonly [key: string]: Overrides | string | number | boolean | readonly unknown[] };

/** What `status --json` says, as far as the lab reads it. */
export interface ProductStatus {
  readonly ready: boolean;
  readonly summary: string;
  readonly peers: readonly PeerStatus[];
  readonly services: readonly { readonly name: string; readonly pid: number; readonly healthy: boolean }[];
}

export interface PeerStatus {
  readonly peer: string;
  readonly connected: boolean;
  readonly innerV4: string;
  readonly innerV6: string;
  readonly drops: Readonly<Record<string, number>>;
}

/** What `GET /api/v1/links` says, as far as the lab reads it. */
export interface LinkStatus {
  readonly link?: {
    readonly name: string;
    readonly kind: string;
    readonly condition: string;
    readonly reason: string;
  };
  readonly path?: {
    readonly peer: string;
    readonly link: string;
    readonly state: string;
    readonly srttUs: number;
    readonly lossPpm: number;
    readonly txRateBps: number;
    readonly rxRateBps: number;
    readonly peerLossPpm: number;
  };
}

export type Role = "client" | "server";

/** One running instance: its supervisor, nats-server and four services in one namespace. */
export class Instance {
  readonly role: Role;
  readonly namespace: string;
  readonly configFile: string;
  /** The REST interface, brought out of the namespace; see {@link getJson}. */
  readonly restSocket: string;

  constructor(role: Role, namespace: string, configFile: string, restSocket: string) {
    this.role = role;
    this.namespace = namespace;
    this.configFile = configFile;
    this.restSocket = restSocket;
  }

  /** Runs one of the product's commands on this instance. */
  async command(...args: readonly string[]): Promise<string> {
    return run([`./edgebos-${this.role}`, ...args, "--config", this.configFile], {
      namespace: this.namespace,
      cwd: REPOSITORY,
      env: CODE_CACHE,
      timeoutMs: START_TIMEOUT_MS,
    });
  }

  async status(): Promise<ProductStatus> {
    return JSON.parse(await this.command("status", "--json")) as ProductStatus;
  }

  async links(): Promise<readonly LinkStatus[]> {
    return (await getJson<{ links: LinkStatus[] }>(this.restSocket, "/api/v1/links")).links;
  }

  async rest<T>(path: string): Promise<T> {
    return getJson<T>(this.restSocket, path);
  }

  /** On a slow machine the command gives up waiting while the services still start; `untilReady` goes on waiting. */
  async start(): Promise<void> {
    await this.command("start", "--detach").catch((error: unknown) => {
      if (!(error instanceof CommandError) || !error.stderr.includes("still trying")) throw error;
    });
  }

  async stop(): Promise<void> {
    await this.command("stop");
  }

  /** Waits until the tunnel is up and traffic is led into it: addresses and routes are a part of the services' health. */
  async untilReady(timeoutMs = READY_TIMEOUT_MS): Promise<ProductStatus> {
    return this.until(({ ready, services }) => ready && services.every(({ healthy }) => healthy), timeoutMs);
  }

  async until(holds: (status: ProductStatus) => boolean, timeoutMs = READY_TIMEOUT_MS): Promise<ProductStatus> {
    const deadline = Date.now() + timeoutMs;
    let last: unknown = "it never answered";
    while (Date.now() < deadline) {
      try {
        const status = await this.rest<ProductStatus>("/api/v1/status");
        if (holds(status)) return status;
        last = status.summary;
      } catch (error) {
        last = error;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`${this.role} in ${this.namespace} is not what it should be after ${timeoutMs} ms: ${last}`);
  }
}

/** Creates a server's certificates and configuration and starts it in the lab's server namespace. */
export async function startServer(lab: Lab, overrides: Overrides = {}): Promise<Instance> {
  return launch(await prepareServer(lab, overrides));
}

/** Certificate and configuration for a client of the lab's server, and the client started with them. */
export async function startClient(
  lab: Lab,
  client: LabClient = lab.client,
  overrides: Overrides = {},
): Promise<Instance> {
  return launch(await prepareClient(lab, client, overrides));
}

/** A server and the first client, started at the same time. The client is ready when its tunnel is up. */
export async function startPair(
  lab: Lab,
  clientOverrides: Overrides = {},
): Promise<{ readonly server: Instance; readonly client: Instance }> {
  const serverPlan = await prepareServer(lab, {});
  const clientPlan = await prepareClient(lab, lab.client, clientOverrides);
  const [server, client] = await Promise.all([launch(serverPlan), launch(clientPlan)]);
  await client.untilReady();
  return { server, client };
}

interface LaunchPlan {
  readonly instance: Instance;
  readonly restAddress: string;
}

async function prepareServer(lab: Lab, overrides: Overrides): Promise<LaunchPlan> {
  const stateDir = join(lab.directory, "server");
  await run(["./edgebos-server", "init", "--state-dir", stateDir, "--host", SERVER_ADDRESS], { cwd: REPOSITORY });
  return plan("server", lab.server, join(stateDir, "config.yaml"), lab, "server", overrides);
}

async function prepareClient(lab: Lab, client: LabClient, overrides: Overrides): Promise<LaunchPlan> {
  const name = client.namespace;
  const configFile = await enrol(lab, name);
  const state_dir = join(dirname(configFile), "state");
  return plan("client", client.namespace, configFile, lab, name, { state_dir, ...overrides });
}

/** Certificate and configuration for a client, as the server's operator would hand them over. */
export async function enrol(lab: Lab, name: string): Promise<string> {
  const [stateDir, out] = [join(lab.directory, "server"), join(lab.directory, name)];
  await run(["./edgebos-server", "client", "add", name, "--state-dir", stateDir, "--out", out], { cwd: REPOSITORY });
  return join(out, "config.yaml");
}

function plan(
  role: Role,
  namespace: string,
  configFile: string,
  lab: Lab,
  name: string,
  overrides: Overrides,
): LaunchPlan {
  const config = overlay(parse(readFileSync(configFile, "utf8")) as Overrides, overrides);
  writeFileSync(configFile, stringify(config));
  const instance = new Instance(role, namespace, configFile, join(lab.directory, `${name}.sock`));
  return { instance, restAddress: restAddress(role, config) };
}

async function launch({ instance, restAddress }: LaunchPlan): Promise<Instance> {
  const { namespace, restSocket } = instance;
  await instance.start();
  await startRelay({ namespace, listen: `unix:${restSocket}`, connect: `tcp:${restAddress}`, detached: true });
  return instance;
}

function restAddress(role: Role, config: Overrides): string {
  const listen = config.listen as { readonly http?: string } | undefined;
  return listen?.http ?? (role === "client" ? "127.0.0.1:9080" : "127.0.0.1:9180");
}

function overlay(base: Overrides, over: Overrides): Overrides {
  const merged: Record<string, Overrides[string]> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isMapping(value) && isMapping(old) ? overlay(old, value) : value;
  }
  return merged;
}

function isMapping(value: Overrides[string] | undefined): value is Overrides {
  return typeof value === "object" && !Array.isArray(value);
}
