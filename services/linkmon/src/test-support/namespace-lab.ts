import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A link as the bus told it, and when. */
export interface HeardLink {
  readonly at: number;
  readonly name: string;
  /** Proto3 JSON; undefined = deleted. */
  readonly link?: { readonly condition?: string; readonly addresses?: string[]; readonly [field: string]: unknown };
}

/**
 * A gateway and its providers in two network namespaces, with a real nats-server and linkmon:
 *
 *     lm-<id>-c                                   lm-<id>-r
 *       wan<n>  10.<70+n>.0.2/24  ── veth ──  isp<n>  10.<70+n>.0.1/24
 *               fd0<n>::2/64                        fd0<n>::1/64
 */
export class NamespaceLab {
  readonly directory = mkdtempSync(join(tmpdir(), "linkmon-lab-"));
  readonly heard: HeardLink[] = [];
  readonly #id = `lm-${process.pid}`;
  readonly #children: ChildProcess[] = [];
  #linkmon: ChildProcess | undefined;

  /** Why there can be no namespaces here; undefined if there can. For `skip`. */
  static readonly missing: string | undefined = reasonNotToRun();

  async create(): Promise<void> {
    for (const namespace of [this.client, this.router]) {
      ip(`netns add ${namespace}`);
      ip(`-n ${namespace} link set lo up`);
    }
    writeFileSync(join(this.directory, "config.yaml"), this.#configuration());
    const store = join(this.directory, "nats");
    this.#start("nats-server", [
      "-a",
      "127.0.0.1",
      "-p",
      "9422",
      "-js",
      "-sd",
      store,
      "--auth",
      TOKEN,
      "-l",
      `${store}.log`,
    ]);
    const printer = this.#start(process.execPath, [PRINTER, "nats://127.0.0.1:9422", TOKEN]);
    createInterface({ input: printer.stdout! }).on("line", (line) => this.heard.push(JSON.parse(line) as HeardLink));
  }

  async remove(): Promise<void> {
    await this.endLinkmon("SIGKILL");
    await Promise.all(this.#children.map((child) => end(child, "SIGKILL")));
    for (const namespace of [this.client, this.router]) ip(`netns del ${namespace}`);
    rmSync(this.directory, { recursive: true, force: true });
  }

  get client(): string {
    return `${this.#id}-c`;
  }

  get router(): string {
    return `${this.#id}-r`;
  }

  /** Makes link `n`, as a cable, an address and a DHCP client would. */
  plug(n: number): void {
    const [wan, isp] = [`wan${n}`, `isp${n}`];
    ip(`-n ${this.client} link add ${wan} type veth peer name ${isp} netns ${this.router}`);
    ip(`-n ${this.router} addr add 10.${70 + n}.0.1/24 dev ${isp}`);
    ip(`-n ${this.router} addr add fd0${n}::1/64 dev ${isp} nodad`);
    ip(`-n ${this.router} link set ${isp} up`);
    ip(`-n ${this.client} link set ${wan} up`);
    ip(`-n ${this.client} addr add 10.${70 + n}.0.2/24 dev ${wan}`);
    ip(`-n ${this.client} addr add fd0${n}::2/64 dev ${wan} nodad`);
    ip(`-n ${this.client} route add default via 10.${70 + n}.0.1 dev ${wan} metric ${100 + n}`);
    ip(`-n ${this.client} -6 route add default via fd0${n}::1 dev ${wan} metric ${100 + n}`);
  }

  /** `ip` in the client's namespace. */
  ip(command: string): string {
    return ip(`-n ${this.client} ${command}`);
  }

  ifindex(name: string): number {
    return (JSON.parse(this.ip(`-json link show ${name}`)) as { ifindex: number }[])[0]!.ifindex;
  }

  startLinkmon(): void {
    const file = join(this.directory, "config.yaml");
    this.#linkmon = this.#start(process.execPath, [MAIN, "--config", file], { EDGEBOS_NATS_TOKEN: TOKEN });
  }

  /** Ends linkmon, if it runs; returns its exit code, null if the signal killed it. */
  async endLinkmon(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#linkmon;
    this.#linkmon = undefined;
    return child === undefined ? 0 : await end(child, signal);
  }

  /**
   * Waits for a word about a link that satisfies `matches`, heard since `since`; returns how long after `since` it
   * came, in ms.
   */
  async hears(name: string, matches: (link: HeardLink["link"]) => boolean, since: number): Promise<number> {
    const find = () => this.heard.find((word) => word.name === name && word.at >= since && matches(word.link));
    await until(() => find() !== undefined, `word of ${name}`);
    return find()!.at - since;
  }

  /** The text of linkmon's /metrics. */
  metrics(): string {
    return run("ip", ["netns", "exec", this.client, "curl", "-s", "http://127.0.0.1:9102/metrics"]);
  }

  #start(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = spawn("ip", ["netns", "exec", this.client, command, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...environment },
    });
    child.stdout?.resume();
    this.#children.push(child);
    return child;
  }

  #configuration(): string {
    return [
      "role: client",
      "server: {host: 203.0.113.1}",
      "security: {certificate: /nonexistent/cert.pem, key: /nonexistent/key.pem}",
      "interfaces: {exclude: [off*]}",
      `state_dir: ${join(this.directory, "state")}`,
      "log: {level: warn, format: json}",
      "",
    ].join("\n");
  }
}

/** Waits for what another process brings about. */
export async function until(condition: () => boolean, what: string, limitMs = 10_000): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`${what}: not so after ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function ip(command: string): string {
  return run("ip", command.split(" "));
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  child.kill(signal);
  return await exit;
}

function reasonNotToRun(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root to make network namespaces";
  for (const command of ["ip -V", "nats-server --version", "curl --version"]) {
    const [name = "", ...args] = command.split(" ");
    try {
      run(name, args);
    } catch {
      return `needs the command ${name}`;
    }
  }
  return undefined;
}

const TOKEN = "lab-token";
const MAIN = join(import.meta.dirname, "../main.ts");
const PRINTER = join(import.meta.dirname, "print-links.ts");
