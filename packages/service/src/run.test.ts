import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { BUCKETS, CURRENT, internal, type plan, subjects, telemetry } from "@edgebos/proto";
import { credentials } from "@grpc/grpc-js";
import { openBus } from "./bus/nats-bus.ts";
import { freePort, PrivateNats, until } from "./bus/private-nats.ts";
import { loadConfig } from "./config/index.ts";
import { serviceSocket } from "./run.ts";

const SAMPLE = join(import.meta.dirname, "fixtures/sample-service.ts");

describe("a service", { skip: PrivateNats.missing }, () => {
  const directory = mkdtempSync(join(tmpdir(), "edgebos-run-"));
  const file = join(directory, "config.yaml");
  let nats: PrivateNats;
  let metricsPort: number;
  before(async () => {
    nats = await PrivateNats.start();
    metricsPort = await freePort();
    writeFileSync(file, configText(nats.port, metricsPort));
  });
  after(async () => {
    await nats.remove();
    rmSync(directory, { recursive: true, force: true });
  });
  const run = (...args: string[]) => new Sample(args, { ...process.env, EDGEBOS_NATS_TOKEN: nats.token });

  test("answers on its socket and its HTTP port, and stops cleanly on SIGTERM", async () => {
    const bus = openBus({ name: "test", url: nats.url, token: () => nats.token, log: silent });
    const events: telemetry.Event[] = [];
    bus.subscribe(subjects("sample").allEvents, telemetry.Event, (event) => events.push(event));
    await until(() => bus.connected);
    const service = run("--config", file);
    await service.says("started");

    const socket = serviceSocket(loadConfig(file), "scheduler");
    const infoClient = new internal.ServiceInfoClient(`unix:${socket}`, credentials.createInsecure());
    const info = await reply<internal.Info>((done) => infoClient.getInfo({}, done));
    infoClient.close();
    assert.deepEqual([info.name, info.pid], ["scheduler", service.pid]);
    const planClient = new internal.SchedulerClient(`unix:${socket}`, credentials.createInsecure());
    const current = await reply<plan.ForwardingPlan>((done) => planClient.getPlan({}, done));
    planClient.close();
    assert.equal(current.summary, "adaptive");

    await until(async () => (await get(metricsPort, "/healthz")).status === 200);
    const metrics = await get(metricsPort, "/metrics");
    assert.match(metrics.text, /edgebos_sample_calls_total\{service="scheduler",node="sample"\} 1/);
    assert.match(metrics.text, /edgebos_bus_connected\{[^}]*\} 1/);
    assert.match(metrics.text, /process_resident_memory_bytes/);
    assert.equal((await get(metricsPort, "/else")).status, 404);

    const yaml = configText(nats.port, metricsPort).replace("adaptive", "weighted");
    bus.put(BUCKETS.configuration, CURRENT, internal.ConfigurationDocument, { yaml, revision: "2" });
    await service.says("heard a change");

    service.kill("SIGTERM");
    assert.equal(await service.exitCode(), 0);
    const order = service.lines.filter((line) => line.includes("to stop"));
    assert.match(order.join("\n"), /last registered.*\n.*first registered/);
    assert.equal(existsSync(socket), false);
    await bus.close();
  });

  test("starts although there is no NATS, and says so in its health", async () => {
    writeFileSync(join(directory, "lonely.yaml"), configText(9, metricsPort));
    const service = run("--config", join(directory, "lonely.yaml"));
    await service.says("started");
    const health = await get(metricsPort, "/healthz");
    assert.equal(health.status, 503);
    assert.match(health.text, /no connection to NATS/);
    service.kill("SIGINT");
    assert.equal(await service.exitCode(), 0);
  });

  test("ends with 1 and one clear line when its configuration is wrong", async () => {
    writeFileSync(join(directory, "bad.yaml"), "server: {host: a, prot: 1}\nsecurity: {certificate: a, key: b}\n");
    const service = run("--config", join(directory, "bad.yaml"));
    assert.equal(await service.exitCode(), 1);
    assert.match(
      service.output,
      /^scheduler: .*bad\.yaml:1:19: server\.prot: there is no such key; did you mean port\?\n$/,
    );
  });

  test("ends with 1 and names the key when its port is taken", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(metricsPort, "127.0.0.1", resolve));
    const service = run("--config", file);
    assert.equal(await service.exitCode(), 1);
    assert.match(service.output, /another program listens there; change listen\.metrics\.scheduler/);
    taken.close();
  });
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };

function configText(natsPort: number, metricsPort: number): string {
  return [
    "node: sample",
    "server: {host: 127.0.0.1}",
    "security: {certificate: c.pem, key: k.pem}",
    "bonding: {algorithm: adaptive}",
    "state_dir: state",
    "listen:",
    `  nats: 127.0.0.1:${natsPort}`,
    `  metrics: {scheduler: "127.0.0.1:${metricsPort}"}`,
    "log: {level: debug, format: json}",
    "",
  ].join("\n");
}

/** The sample service as a child process, with what it printed. */
class Sample {
  output = "";
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;

  constructor(args: string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, [SAMPLE, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.#exit = new Promise((resolve) => this.#child.once("close", resolve));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get lines(): string[] {
    return this.output.split("\n");
  }

  async says(text: string): Promise<void> {
    await until(() => {
      assert.equal(this.#child.exitCode, null, `ended before it said "${text}":\n${this.output}`);
      return this.output.includes(text);
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  exitCode(): Promise<number | null> {
    return this.#exit;
  }
}

async function get(port: number, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
  return { status: response.status, text: await response.text() };
}

/** The reply of a unary call. */
function reply<T>(invoke: (done: (error: Error | null, reply: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    invoke((error, message) => (error === null ? resolve(message) : reject(error)));
  });
}
