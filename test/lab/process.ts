/** Programs, in a network namespace or outside, that are waited for ({@link run}) or go on ({@link start}). */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";

export interface RunOptions {
  readonly namespace?: string;
  readonly input?: string;
  /** After this the program gets SIGKILL and `run` rejects. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A program of the lab failed. The message holds the command and what it wrote to standard error. */
export class CommandError extends Error {
  readonly code = "LAB_COMMAND_FAILED";
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(argv: readonly string[], exitCode: number | null, stdout: string, stderr: string) {
    const said = (stderr.trim() || stdout.trim() || "nothing on standard error").slice(-2000);
    super(`\`${argv.join(" ")}\` ended with ${exitCode === null ? "a signal" : `status ${exitCode}`}: ${said}`);
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/** Runs a program to its end. Returns its standard output; any status but 0 rejects with a {@link CommandError}. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const command = inNamespace(argv, options.namespace);
  const env = { ...quietEnvironment(), ...options.env };
  const child = spawn(command[0]!, command.slice(1), { stdio: "pipe", cwd: options.cwd, env });
  const timer = options.timeoutMs ? setTimeout(() => child.kill("SIGKILL"), options.timeoutMs) : undefined;
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearTimeout(timer);
  if (exitCode !== 0) throw new CommandError(command, exitCode, stdout, stderr);
  return stdout;
}

/** A program that goes on until it ends or is stopped. */
export interface Running {
  readonly pid: number;
  readonly exited: Promise<number | null>;
  /** Lines of standard output, for programs started without `logPath`. */
  readonly lines: AsyncIterable<string>;
  /** Sends the signal and waits for the end; SIGKILL after `graceMs` (5 s). Returns the exit status. */
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<number | null>;
  /** No more interest in a detached program: this process may end before it. Nothing may be written to its output any more. */
  release(): void;
}

export interface StartOptions {
  readonly namespace?: string;
  /** Standard output and error go to the end of this file; without it, output is piped and errors are inherited. */
  readonly logPath?: string;
  /** The program outlives this process. */
  readonly detached?: boolean;
  readonly cwd?: string;
}

export function start(argv: readonly string[], options: StartOptions = {}): Running {
  const command = inNamespace(argv, options.namespace);
  const log = options.logPath ? openSync(options.logPath, "a") : undefined;
  const child = spawn(command[0]!, command.slice(1), {
    stdio: ["ignore", log ?? "pipe", log ?? "inherit"],
    detached: options.detached ?? false,
    cwd: options.cwd,
    env: quietEnvironment(),
  });
  if (log !== undefined) closeSync(log);
  if (child.pid === undefined) throw new CommandError(command, null, "", "could not be started");
  const exited = new Promise<number | null>((resolve) => child.on("exit", resolve));
  const lines = child.stdout ? createInterface({ input: child.stdout }) : none();
  const release = (): void => {
    child.unref();
    child.stdout?.destroy();
  };
  return {
    pid: child.pid,
    exited,
    lines,
    release,
    stop: (signal, graceMs) => stopChild(child, exited, signal, graceMs),
  };
}

async function stopChild(
  child: ChildProcess,
  exited: Promise<number | null>,
  signal: NodeJS.Signals = "SIGTERM",
  graceMs = 5000,
): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return exited;
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
  const status = await exited;
  clearTimeout(timer);
  return status;
}

function inNamespace(argv: readonly string[], namespace: string | undefined): readonly string[] {
  return namespace === undefined ? argv : ["ip", "netns", "exec", namespace, ...argv];
}

/** Debugger and coverage settings of a test run must not reach the programs that it measures. */
function quietEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, NODE_TEST_CONTEXT: _context, ...rest } = process.env;
  return rest;
}

async function* none(): AsyncGenerator<string> {}
