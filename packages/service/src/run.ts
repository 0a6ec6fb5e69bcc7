import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { parseArgs } from "node:util";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { openBus } from "./bus/nats-bus.ts";
import type { Bus } from "./bus/types.ts";
import { parseEndpoint } from "./config/endpoint.ts";
import { ConfigError } from "./config/error.ts";
import { configRevision } from "./config/revision.ts";
import type { Config } from "./config/types.ts";
import { readValidated, VALIDATED_CONFIG_VARIABLE } from "./config/validated.ts";
import { type StartConfig, watchConfiguration } from "./config-watch.ts";
import type { ServiceContext } from "./context.ts";
import { createEvents } from "./events.ts";
import { Health } from "./health.ts";
import { InfoSocket } from "./info-socket.ts";
import { createLogger, type Logger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { serveObservation } from "./observe.ts";
import { Shutdown } from "./shutdown.ts";
import { StartError } from "./start-error.ts";
import { type ServiceName, serviceSocketIn, stateFiles } from "./state-files.ts";
import { VERSION } from "./version.ts";

/** When a service has its start behind it, milliseconds. */
const SETTLE_MS = 5000;

/**
 * The whole life of a service: reads `--config FILE`, makes its context, calls `start`, and stops cleanly on SIGTERM or SIGINT.
 * The process ends with 0 after a clean stop and with 1, and one line that says why, if it cannot start. With `--load-only` it ends
 * at once: its code has been loaded, and Node writes its code cache.
 */
export async function runService(name: ServiceName, start: (context: ServiceContext) => Promise<void>): Promise<void> {
  if (process.argv.includes("--load-only")) return;
  const startedMs = Date.now();
  let running: Running | undefined;
  try {
    const configFile = configArgument(name);
    running = new Running(name, await startConfig(configFile), startedMs);
    await running.open();
    await start(running.context);
    running.ready();
  } catch (error) {
    explain(name, error, running?.log);
    await running?.stop();
    process.exit(1);
  }
}

/** One service in operation: everything in its context, and the way to take it down again. */
class Running {
  readonly log: Logger;
  readonly context: ServiceContext;
  readonly #name: ServiceName;
  readonly #config: Config;
  readonly #bus: Bus;
  readonly #health = new Health();
  readonly #metrics: Metrics;
  readonly #socket: InfoSocket;
  readonly #shutdown = new Shutdown();
  #stopping = false;

  constructor(name: ServiceName, initial: StartConfig, startedMs: number) {
    const { config } = initial;
    this.#name = name;
    this.#config = config;
    this.log = createLogger(name, config.log);
    this.#metrics = new Metrics({ service: name, node: config.node });
    this.#bus = openBus({ name: `${config.node}/${name}`, ...busAddress(config), log: this.log });
    this.#socket = new InfoSocket(serviceSocketIn(config.state_dir, name), () => ({
      name,
      version: VERSION,
      pid: process.pid,
      startedMs,
      healthy: this.#health.report().healthy,
      detail: this.#health.report().detail,
      rssBytes: process.memoryUsage.rss(),
    }));
    this.context = this.#makeContext(initial);
  }

  /** Opens what the outside sees, before the service itself starts. */
  async open(): Promise<void> {
    const { state_dir, listen } = this.#config;
    mkdirSync(state_dir, { recursive: true, mode: 0o755 });
    process.once("SIGTERM", () => void this.#end("SIGTERM"));
    process.once("SIGINT", () => void this.#end("SIGINT"));
    process.on("uncaughtException", (error) => this.#crash(error));
    this.#health.set("start", false, "starting");
    this.#observeBus();
    this.#shutdown.add(() => this.#bus.close());
    await this.#socket.listen();
    this.#shutdown.add(() => this.#socket.close());
    if (this.#name !== "api") {
      const key = `listen.metrics.${this.#name}`;
      const server = await serveObservation(
        parseEndpoint(listen.metrics[this.#name]),
        key,
        this.#metrics,
        this.#health,
      );
      this.#shutdown.add(() => void server.close());
    }
  }

  ready(): void {
    this.#health.set("start", true, "started");
    this.log.info({ version: VERSION, pid: process.pid }, "started");
    setTimeout(settle, SETTLE_MS).unref();
  }

  async stop(): Promise<boolean> {
    this.#stopping = true;
    return await this.#shutdown.run(this.log);
  }

  async #end(signal: string): Promise<void> {
    if (this.#stopping) return;
    this.log.info({ signal }, "stopping");
    const clean = await this.stop();
    this.log.info({ clean }, "stopped");
    process.exit(clean ? 0 : 1);
  }

  #crash(error: unknown): void {
    this.log.fatal({ err: error }, "unexpected error, the service ends and is started again");
    process.exit(1);
  }

  #makeContext(initial: StartConfig): ServiceContext {
    const config = this.#config;
    const onConfigChange = watchConfiguration(this.#bus, initial, this.log);
    onConfigChange((changed) => {
      this.log.level = changed.log.level;
    });
    return {
      config,
      configFile: initial.file,
      log: this.log,
      bus: this.#bus,
      metrics: this.#metrics,
      health: this.#health,
      events: createEvents(config.node, this.#name, this.#bus, this.log),
      onShutdown: (action) => this.#shutdown.add(action),
      grpc: {
        add: (definition: ServiceDefinition, implementation: UntypedServiceImplementation) =>
          this.#socket.add(definition, implementation),
      },
      onConfigChange,
    };
  }

  #observeBus(): void {
    const report = (connected: boolean) =>
      this.#health.set(
        "bus",
        connected,
        connected ? "connected" : "no connection to NATS; working on with what is known",
      );
    report(this.#bus.connected);
    this.#bus.onStateChange(report);
    const metrics = this.#metrics;
    const connected = metrics.gauge("edgebos_bus_connected", "1 while the service is connected to NATS");
    const messages = metrics.gauge("edgebos_bus_messages", "Bus messages since the start of the service, by fate", [
      "fate",
    ]);
    const reconnects = metrics.gauge("edgebos_bus_reconnects", "Connections to NATS that were lost");
    metrics.onCollect(() => {
      const stats = this.#bus.stats();
      connected.set(stats.connected ? 1 : 0);
      reconnects.set(stats.reconnects);
      for (const fate of ["published", "received", "dropped", "failed"] as const) messages.set({ fate }, stats[fate]);
    });
  }
}

/**
 * Writes what was compiled into Node's code cache, which otherwise happens only at a clean exit, and gives the memory that only the
 * start needed back to the system (where the supervisor has passed --expose-gc).
 */
function settle(): void {
  flushCompileCache();
  globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** The Unix socket on which a service answers gRPC. */
export function serviceSocket(config: Config, service: string): string {
  return serviceSocketIn(config.state_dir, service);
}

function configArgument(name: ServiceName): string {
  const { values } = parseArgs({ options: { config: { type: "string", short: "c" } }, strict: true });
  if (values.config !== undefined) return values.config;
  throw new StartError("usage", `say which configuration to use: ${name} --config FILE`);
}

/** Reads the configuration; one that the supervisor has validated already is taken from it. */
async function startConfig(file: string): Promise<StartConfig> {
  const validatedFile = process.env[VALIDATED_CONFIG_VARIABLE];
  const validated = validatedFile === undefined ? undefined : readValidated(validatedFile, file);
  const config = validated ?? (await import("./config/parse.ts")).loadConfig(file);
  return { config, file, revision: configRevision(readFileSync(file, "utf8")) };
}

function busAddress(config: Config): { url: string; token: () => string | undefined } {
  const tokenFile = stateFiles(config.state_dir).natsToken;
  const { EDGEBOS_NATS_URL: url, EDGEBOS_NATS_TOKEN: token } = process.env;
  return {
    url: url ?? `nats://${config.listen.nats}`,
    token: () => token ?? (existsSync(tokenFile) ? readFileSync(tokenFile, "utf8").trim() : undefined),
  };
}

function explain(name: string, error: unknown, log: Logger | undefined): void {
  const known =
    error instanceof ConfigError || (error instanceof Error && "code" in error && typeof error.code === "string");
  const text = error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
  if (log === undefined) process.stderr.write(`${name}: ${text}\n`);
  else
    log.fatal(
      known ? { code: (error as { code?: string }).code } : { err: error },
      `cannot start: ${known ? text : "unexpected error"}`,
    );
}
