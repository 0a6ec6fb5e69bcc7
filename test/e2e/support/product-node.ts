import { readFileSync, writeFileSync } from "node:fs";
import { management, type telemetry } from "@edgebos/proto";
import { type Config, loadConfig, parseEndpoint, stateFiles } from "@edgebos/service";
import { parseDocument } from "yaml";
import { type Door, type HttpAnswer, openDoor } from "../../lab/door.ts";
import { CommandError, run } from "../../lab/process.ts";
import { CODE_CACHE, REPOSITORY } from "../../lab/product.ts";
import { type PartName, partsOf } from "./processes.ts";
import { until } from "./wait.ts";

const START_TIMEOUT_MS = 60_000;
/** Reports come twice a second. */
const REPORT_TIMEOUT_MS = 3000;

/** Values by dotted key, e.g. `{ "bonding.algorithm": "weighted" }`. */
export type Settings = Readonly<Record<string, unknown>>;

export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of the product's commands. A failure is a result. */
export async function command(
  role: Config["role"],
  argv: readonly string[],
  namespace?: string,
): Promise<CommandResult> {
  try {
    const place = namespace === undefined ? {} : { namespace };
    const stdout = await run([`${REPOSITORY}edgebos-${role}`, ...argv], {
      ...place,
      env: CODE_CACHE,
      timeoutMs: START_TIMEOUT_MS,
    });
    return { exitCode: 0, stdout, stderr: "" };
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

/** As {@link command}, for those that must succeed. Returns standard output. */
export async function mustRun(role: Config["role"], argv: readonly string[], namespace?: string): Promise<string> {
  const result = await command(role, argv, namespace);
  if (result.exitCode !== 0) {
    throw new Error(`edgebos-${role} ${argv.join(" ")}: ${result.exitCode} ${result.stderr}${result.stdout}`);
  }
  return result.stdout;
}

/** Changes keys of a configuration file. */
export function configure(file: string, settings: Settings): void {
  const document = parseDocument(readFileSync(file, "utf8"));
  for (const [key, value] of Object.entries(settings)) document.setIn(key.split("."), value);
  writeFileSync(file, document.toString());
}

/** One instance of the product, client or server, in a namespace. */
export class ProductNode {
  readonly config: Config;
  readonly configFile: string;
  readonly namespace: string;
  #door: Door | undefined;

  constructor(configFile: string, namespace: string) {
    this.configFile = configFile;
    this.namespace = namespace;
    this.config = loadConfig(configFile);
  }

  get stateDir(): string {
    return this.config.state_dir;
  }

  /** Starts it in the background, and waits until it says that it is ready. */
  async start(): Promise<void> {
    await this.run("start", "--config", this.configFile, "--detach");
    await this.whenReady();
  }

  /** Until the tunnel is up and traffic is led into it: addresses and routes are a part of the services' health. */
  async whenReady(timeoutMs = START_TIMEOUT_MS): Promise<void> {
    try {
      await until(`${this.config.node} is ready`, timeoutMs, async () => {
        const { ready, services } = await this.status();
        return ready && services.every(({ healthy }) => healthy);
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.log().slice(-4000)}`, { cause: error });
    }
  }

  async stop(): Promise<void> {
    await this.run("stop", "--config", this.configFile);
  }

  /** One of the commands on this instance; rejects where it fails. */
  run(...argv: readonly string[]): Promise<string> {
    return mustRun(this.config.role, argv, this.namespace);
  }

  /** As {@link run}; a failure is a result. */
  try(...argv: readonly string[]): Promise<CommandResult> {
    return command(this.config.role, argv, this.namespace);
  }

  async status(): Promise<management.Status> {
    return management.Status.fromJSON(await this.#rest("/status"));
  }

  /** The peers as the dataplane reports them after this call: what it has counted by now is in there. */
  async peersFromNow(): Promise<readonly telemetry.PeerSample[]> {
    const askedMs = Date.now();
    return until("a report of the dataplane", REPORT_TIMEOUT_MS, async () => {
      const { timeMs, peers } = management.Statistics.fromJSON(await this.#rest("/statistics"));
      return timeMs > askedMs && peers.length > 0 && peers;
    });
  }

  async links(): Promise<readonly management.LinkStatus[]> {
    return management.LinkList.fromJSON(await this.#rest("/links")).links;
  }

  /** Changes the running configuration through REST (JSON merge patch). */
  async patch(change: object): Promise<HttpAnswer> {
    return (await this.door()).http(port(this.config.listen.http), "/api/v1/configuration", {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify(change),
    });
  }

  /** Sum of the samples of a metric whose labels include these, over a service's `/metrics`. */
  async metric(
    service: "dataplane" | "linkmon" | "scheduler",
    name: string,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<number> {
    const door = await this.door();
    const { body } = await door.http(port(this.config.listen.metrics[service]), "/metrics");
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    const samples = body.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return samples
      .filter((line) => wanted.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** Address for gRPC clients outside of the namespace. */
  async grpcTarget(): Promise<string> {
    return `unix:${(await this.door()).socketPath(port(this.config.listen.grpc))}`;
  }

  /** All that the instance has logged since its state directory exists. */
  log(): string {
    try {
      return readFileSync(stateFiles(this.stateDir).log, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
      throw error;
    }
  }

  parts(): Map<PartName, number> {
    return partsOf(this);
  }

  async closeDoor(): Promise<void> {
    await this.#door?.close();
    this.#door = undefined;
  }

  async door(): Promise<Door> {
    const { grpc, http, metrics } = this.config.listen;
    const ports = [grpc, http, metrics.dataplane, metrics.linkmon, metrics.scheduler].map(port);
    this.#door ??= await openDoor(this.namespace, `${this.configFile}.doors`, ports);
    return this.#door;
  }

  async #rest(path: string): Promise<unknown> {
    const answer = await (await this.door()).http(port(this.config.listen.http), `/api/v1${path}`);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body);
  }
}

function port(endpoint: string): number {
  return parseEndpoint(endpoint).port;
}
