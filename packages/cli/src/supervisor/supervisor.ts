import { mkdirSync } from "node:fs";
import { type Config, parseEndpoint, type Role } from "@edgebos/service/config";
import { VERSION } from "@edgebos/service/version";
import { CommandError } from "../errors.ts";
import { endProcesses } from "../instance/end-processes.ts";
import { identify, isAlive, signal } from "../instance/process-identity.ts";
import {
  type InstanceRecord,
  leftovers,
  type ProcessRecord,
  readRecord,
  removeRunFiles,
  writeRecord,
} from "../instance/record.ts";
import { codeRoot } from "./build.ts";
import { fillCodeCache } from "./code-cache.ts";
import { createSupervisorLog, type SupervisorLog } from "./log.ts";
import { boundLog } from "./log-file.ts";
import { prepareNats } from "./nats.ts";
import { checkPorts, preflight } from "./preflight.ts";
import { untilServicesAnswer } from "./readiness.ts";
import { serviceMain, servicePlans } from "./services.ts";
import { type ProcessPlan, Supervised } from "./supervised.ts";
import { tidyUp } from "./tidy.ts";
import { claimTunnelInterface, releaseTunnelInterface } from "./tunnel-interface.ts";

/** How long all services may take until they answer, milliseconds. */
const READY_LIMIT_MS = 30_000;

export interface SupervisorOptions {
  readonly role: Role;
  readonly config: Config;
  /** Absolute path. */
  readonly configFile: string;
  /** Output goes into the log file of the state directory, which is kept bounded. */
  readonly detached: boolean;
  /** Directory that holds `services/<name>`; `codeRoot()` unless said otherwise. */
  readonly root?: string;
}

/**
 * Runs one instance until SIGINT or SIGTERM: the private nats-server and the four services, each started again when it ends.
 * Resolves when all of them have ended. Nothing but the services themselves is needed for traffic: when the supervisor is killed they go on.
 */
export async function supervise(options: SupervisorOptions): Promise<void> {
  const { role, config: written, configFile } = options;
  const log = createSupervisorLog(written.log.format);
  preflight(role, written, configFile);
  mkdirSync(written.state_dir, { recursive: true, mode: 0o755 });
  refuseSecond(role, written.state_dir);
  await endLeftovers(written.state_dir, log);
  await checkPorts(written);
  const config = claimTunnelInterface(written, configFile);
  if (config !== written)
    log.info(`the tunnel interface is ${config.tunnel.interface}: another instance has ${written.tunnel.interface}`);
  const instance = new Instance({ ...options, config }, log);
  await instance.run();
}

function refuseSecond(role: Role, stateDir: string): void {
  const record = readRecord(stateDir);
  if (record === undefined || !isAlive(record)) return;
  throw new CommandError(
    "already-running",
    `edgebos-${role} already runs with the state directory ${stateDir} (pid ${record.pid}): stop it first, or use another state_dir`,
  );
}

async function endLeftovers(stateDir: string, log: SupervisorLog): Promise<void> {
  const left = leftovers(readRecord(stateDir));
  if (left.length > 0) {
    log.warn("ending what an earlier start left behind", { processes: left.map(({ name }) => name) });
    await endProcesses(left, (name) => log.warn(`${name} did not end in time and was killed`));
  }
  removeRunFiles(stateDir);
}

class Instance {
  readonly #options: SupervisorOptions;
  readonly #log: SupervisorLog;
  readonly #startedMs = Date.now();
  readonly #stopping = new AbortController();
  readonly #processes: Supervised[] = [];
  #readyMs = 0;
  #servicesStarted = false;
  /** All is over: the ends of the last processes are not recorded any more. */
  #finished = false;

  constructor(options: SupervisorOptions, log: SupervisorLog) {
    this.#options = options;
    this.#log = log;
  }

  async run(): Promise<void> {
    const { config, configFile, detached, root = codeRoot() } = this.#options;
    const stopped = this.#untilSignal();
    this.#record();
    if (detached) boundLog(config.state_dir);
    this.#add(prepareNats(config));
    if (serviceMain(root, "api").endsWith(".ts")) await this.#fillCodeCache(root);
    if (!this.#stopping.signal.aborted) this.#startServices(servicePlans(config, configFile, root));
    void this.#announce();
    await stopped;
    await this.#stop();
  }

  /** Only sources gain by it, as they are compiled from TypeScript. */
  async #fillCodeCache(root: string): Promise<void> {
    await fillCodeCache(this.#options.config.state_dir, root).catch((error: Error) =>
      this.#log.warn("the code cache could not be filled, services start slowly", { err: error.message }),
    );
  }

  #startServices(plans: readonly ProcessPlan[]): void {
    this.#servicesStarted = true;
    for (const plan of plans) this.#add(plan);
  }

  #add(plan: ProcessPlan): void {
    const supervised = new Supervised(plan, this.#log, () => this.#record());
    this.#processes.push(supervised);
    supervised.start();
  }

  async #announce(): Promise<void> {
    const { config, role } = this.#options;
    const silent = await untilServicesAnswer(config.state_dir, READY_LIMIT_MS, this.#stopping.signal);
    if (this.#stopping.signal.aborted) return;
    if (silent.length > 0) return this.#log.error("not all services answer; the lines above say why", { silent });
    this.#readyMs = Date.now();
    this.#record();
    const { host, port } = parseEndpoint(config.listen.http);
    const dashboard = `http://${host.includes(":") ? `[${host}]` : host}:${port}/`;
    this.#log.info(`edgebos-${role} runs`, { dashboard, startMs: this.#readyMs - this.#startedMs });
  }

  #untilSignal(): Promise<void> {
    return new Promise((resolve) => {
      const onSignal = (name: NodeJS.Signals) => {
        if (this.#stopping.signal.aborted) return this.#killAll();
        this.#log.info("stopping", { signal: name });
        this.#stopping.abort();
        resolve();
      };
      process.on("SIGINT", onSignal);
      process.on("SIGTERM", onSignal);
      process.on("SIGHUP", onSignal);
    });
  }

  async #stop(): Promise<void> {
    for (const supervised of this.#processes) supervised.release();
    const { config, configFile, root } = this.#options;
    const running = this.#records();
    const forced = await endProcesses(running, (name) => this.#log.warn(`${name} did not end in time and was killed`));
    const ended = running.map(({ name }) => name).filter((name) => !forced.includes(name));
    if (this.#servicesStarted) await tidyUp(config, configFile, ended, this.#log, root);
    this.#finished = true;
    releaseTunnelInterface(config.state_dir);
    removeRunFiles(config.state_dir);
    this.#log.info("stopped");
  }

  /** A second signal: whoever sends it does not want to wait. */
  #killAll(): void {
    this.#log.warn("second signal: killing everything");
    for (const entry of this.#records()) signal(entry, "SIGKILL");
  }

  #records(): ProcessRecord[] {
    return this.#processes.flatMap((supervised) => supervised.record ?? []);
  }

  #record(): void {
    if (this.#finished) return;
    const { role, config, configFile } = this.#options;
    const record: InstanceRecord = {
      ...identify(process.pid)!,
      role,
      node: config.node,
      version: VERSION,
      configFile,
      http: config.listen.http,
      startedMs: this.#startedMs,
      readyMs: this.#readyMs,
      processes: this.#records(),
    };
    writeRecord(config.state_dir, record);
  }
}
