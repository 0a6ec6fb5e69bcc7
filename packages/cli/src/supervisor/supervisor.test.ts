import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive, signal } from "../instance/process-identity.ts";
import { type InstanceRecord, readRecord } from "../instance/record.ts";

const SUPERVISE = join(import.meta.dirname, "../fixtures/supervise.ts");
const MAIN = join(import.meta.dirname, "../main.ts");
const missing =
  process.geteuid?.() !== 0
    ? "needs root"
    : !existsSync("/dev/net/tun")
      ? "/dev/net/tun is missing"
      : spawnSync("nats-server", ["--version"]).error !== undefined
        ? "nats-server is not installed"
        : undefined;

describe("an instance", { skip: missing, timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "edgebos-supervisor-"));
  const cache = join(directory, "cache");
  const stateDirs: string[] = [];
  const started: Started[] = [];
  after(() => {
    for (const one of started) one.kill("SIGKILL");
    for (const stateDir of stateDirs)
      for (const entry of readRecord(stateDir)?.processes ?? []) signal(entry, "SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  const instance = async (name: string) => {
    const stateDir = join(directory, name);
    const config = await writeInstance(stateDir);
    stateDirs.push(stateDir);
    const start = () => {
      const one = new Started([SUPERVISE, config], cache);
      started.push(one);
      return one;
    };
    return { stateDir, config, start };
  };

  test("starts, answers status, restarts what dies, refuses a second start, and stops cleanly on SIGTERM", async () => {
    const { stateDir, config, start } = await instance("one");
    const first = start();
    const record = await readyRecord(stateDir, first);
    assert.deepEqual(record.processes.map(({ name }) => name).sort(), [
      "api",
      "dataplane",
      "linkmon",
      "nats-server",
      "scheduler",
    ]);
    await until(() => command("status", "--state-dir", stateDir, "--json").json.ready === true);

    const second = start();
    assert.equal(await second.exitCode(), 1);
    assert.match(second.output, new RegExp(`already runs.*\\(pid ${record.pid}\\)`));
    const other = command("start", "--config", config);
    assert.match(other.stderr, /is the configuration of a server/);

    for (const name of ["nats-server", "scheduler"]) process.kill(pidOf(record, name), "SIGKILL");
    await until(() => {
      const now = readRecord(stateDir);
      return now?.processes.filter(({ restarts, pid }) => restarts === 1 && isRunning(pid)).length === 2;
    });
    await until(() => [...first.output.matchAll(/"service":"scheduler".*"msg":"started"/g)].length === 2);
    await until(() => command("status", "--state-dir", stateDir, "--json").json.ready === true);

    first.kill("SIGTERM");
    assert.equal(await first.exitCode(), 0);
    const order = [...first.output.matchAll(/"service":"(\w+)","clean":true/g)].map(([, name]) => name);
    assert.deepEqual(order, ["api", "scheduler", "dataplane", "linkmon"]);
    assert.equal(existsSync(join(stateDir, "run")), false);
    assert.deepEqual(record.processes.filter(isAlive), []);
    assert.equal(command("status", "--state-dir", stateDir, "--json").status, 3);
  });

  test("is cleaned up by stop after its supervisor was killed", async () => {
    const { stateDir, start } = await instance("two");
    const supervisor = start();
    const record = await readyRecord(stateDir, supervisor);
    supervisor.kill("SIGKILL");
    await supervisor.exitCode();
    assert.equal(record.processes.every(isAlive), true, "the services go on without their supervisor");
    const outcome = command("stop", "--state-dir", stateDir, "--json");
    assert.deepEqual([outcome.status, outcome.json.wasRunning, outcome.json.forced], [0, false, []]);
    assert.deepEqual(record.processes.filter(isAlive), []);
    assert.equal(command("stop", "--state-dir", stateDir).status, 3);
  });

  test("is replaced by a new start after its supervisor was killed", async () => {
    const { stateDir, start } = await instance("three");
    const killed = start();
    const before = await readyRecord(stateDir, killed);
    killed.kill("SIGKILL");
    await killed.exitCode();
    const replacement = start();
    const record = await readyRecord(stateDir, replacement);
    assert.deepEqual(before.processes.filter(isAlive), []);
    assert.match(replacement.output, /ending what an earlier start left behind/);
    assert.equal(command("stop", "--state-dir", stateDir).status, 0);
    assert.equal(await replacement.exitCode(), 0);
    assert.equal(isAlive(record), false);
  });

  test("does not start when a port is taken or a certificate is missing", async () => {
    const { stateDir, start } = await instance("four");
    const { http } = await portsOf(stateDir);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(http, "127.0.0.1", resolve));
    const blocked = start();
    assert.equal(await blocked.exitCode(), 1);
    assert.match(
      blocked.output,
      new RegExp(`listen\\.http: cannot listen on 127\\.0\\.0\\.1:${http}: another program`),
    );
    taken.close();
    rmSync(join(stateDir, "c.pem"));
    const without = start();
    assert.equal(await without.exitCode(), 1);
    assert.match(without.output, /security\.certificate: .*c\.pem does not exist/);
  });
});

/** A command of the product, run to its end. */
function command(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, "client", ...args], { encoding: "utf8" });
  const json = args.includes("--json") ? (JSON.parse(stdout) as Record<string, unknown>) : {};
  return { status, stderr, json };
}

async function writeInstance(stateDir: string): Promise<string> {
  mkdirSync(stateDir, { recursive: true });
  const ports = await Promise.all(
    ["grpc", "http", "nats", "dataplane", "linkmon", "scheduler", "tunnel"].map(freePort),
  );
  const [grpc, http, nats, dataplane, linkmon, scheduler, tunnel] = ports.map((port) => `127.0.0.1:${port}`);
  const config = {
    role: "server",
    node: "test",
    server: { host: "127.0.0.1", port: Number(tunnel!.split(":")[1]) },
    security: { certificate: "c.pem", key: "k.pem", ca: "c.pem" },
    state_dir: ".",
    listen: { grpc, http, nats, metrics: { dataplane, linkmon, scheduler } },
    log: { format: "json" },
  };
  for (const file of ["c.pem", "k.pem"]) writeFileSync(join(stateDir, file), "");
  const file = join(stateDir, "config.yaml");
  writeFileSync(file, JSON.stringify(config));
  return file;
}

async function portsOf(stateDir: string): Promise<{ http: number }> {
  const { loadConfig, parseEndpoint } = await import("@edgebos/service/config");
  return { http: parseEndpoint(loadConfig(join(stateDir, "config.yaml")).listen.http).port };
}

async function readyRecord(stateDir: string, started: Started): Promise<InstanceRecord> {
  await until(() => {
    assert.equal(started.ended, false, `it ended:\n${started.output}`);
    const record = readRecord(stateDir);
    return record !== undefined && record.readyMs > 0 && isAlive(record) && record.pid === started.pid;
  });
  return readRecord(stateDir)!;
}

function pidOf(record: InstanceRecord, name: string): number {
  return record.processes.find((entry) => entry.name === name)!.pid;
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

class Started {
  output = "";
  ended = false;
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | null>;

  constructor(args: string[], cache: string) {
    const env = { ...process.env, NODE_COMPILE_CACHE: cache };
    this.#child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.#exit = new Promise((resolve) => {
      this.#child.once("exit", (code) => {
        this.ended = true;
        resolve(code);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  exitCode(): Promise<number | null> {
    return this.#exit;
  }
}

/** Waits for what another process brings about. */
async function until(condition: () => boolean, limitMs = 30_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `not so after ${limitMs} ms: ${condition.toString()}`);
    await delay(50);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address() as { port: number };
      server.close(() => resolve(address.port));
    });
  });
}
