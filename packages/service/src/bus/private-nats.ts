import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A nats-server of a test, with a token, on a free port of the loopback. */
export class PrivateNats {
  readonly token = "test-token";
  readonly port: number;
  readonly #directory: string;
  #process: ChildProcess | undefined;

  /** Why there cannot be one here; undefined if there can. For `skip`. */
  static readonly missing: string | undefined =
    spawnSync("nats-server", ["--version"]).error === undefined ? undefined : "nats-server is not installed";

  private constructor(port: number) {
    this.port = port;
    this.#directory = mkdtempSync(join(tmpdir(), "edgebos-nats-"));
  }

  static async start(): Promise<PrivateNats> {
    const nats = new PrivateNats(await freePort());
    await nats.startAgain();
    return nats;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Starts on the same port, without anything of what was stored before. */
  async startAgain(): Promise<void> {
    const store = mkdtempSync(join(this.#directory, "store-"));
    const args = ["-a", "127.0.0.1", "-p", String(this.port), "-js", "-sd", store, "--auth", this.token];
    this.#process = spawn("nats-server", args, { stdio: "ignore" });
    await until(() => answers(this.port));
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Waits for a condition that another process brings about; gives up after `limitMs`. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not so after ${limitMs} ms: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A port of the loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, "127.0.0.1");
    socket.once("data", () => resolve(socket.destroy() !== undefined));
    socket.once("error", () => resolve(false));
  });
}
