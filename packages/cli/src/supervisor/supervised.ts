import { type ChildProcess, spawn } from "node:child_process";
import { identify, type ProcessIdentity } from "../instance/process-identity.ts";
import type { ProcessRecord } from "../instance/record.ts";
import type { SupervisorLog } from "./log.ts";

/** How to start one process. */
export interface ProcessPlan {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Whether what it prints goes where the supervisor's own output goes. */
  readonly inheritOutput: boolean;
  /** Called before each start. */
  readonly prepare?: () => void;
}

/** The first restart is at once; then the pause doubles from FIRST_PAUSE_MS up to LONGEST_PAUSE_MS. */
const FIRST_PAUSE_MS = 125;
const LONGEST_PAUSE_MS = 2000;
/** A process that lived this long has recovered: its next restart is at once again. */
const RECOVERED_MS = 10_000;

type State =
  | {
      readonly kind: "running";
      readonly child: ChildProcess;
      readonly identity: ProcessIdentity;
      readonly startedMs: number;
    }
  | { readonly kind: "pausing"; readonly timer: NodeJS.Timeout }
  | { readonly kind: "stopped" };

/**
 * One process that is started again when it ends, until `release`. It runs in a session of its own: a Ctrl-C in the terminal
 * reaches the supervisor only, and the process outlives the supervisor's death.
 */
export class Supervised {
  readonly plan: ProcessPlan;
  readonly #log: SupervisorLog;
  readonly #changed: () => void;
  #state: State = { kind: "stopped" };
  #restarts = 0;
  #quickEnds = 0;
  #released = false;

  constructor(plan: ProcessPlan, log: SupervisorLog, changed: () => void) {
    this.plan = plan;
    this.#log = log;
    this.#changed = changed;
  }

  start(): void {
    const { command, args, env, inheritOutput, name } = this.plan;
    this.plan.prepare?.();
    const output = inheritOutput ? "inherit" : "ignore";
    const child = spawn(command, [...args], { env, detached: true, stdio: ["ignore", output, output] });
    child.once("error", (error) => this.#ended(`cannot be started: ${error.message}`));
    if (child.pid === undefined) return;
    const identity = identify(child.pid) ?? { pid: child.pid, startTicks: -1 };
    this.#state = { kind: "running", child, identity, startedMs: Date.now() };
    child.once("exit", (code, signal) =>
      this.#ended(signal === null ? `ended with ${code}` : `was ended by ${signal}`),
    );
    this.#log.info(`${name} started`, { pid: child.pid });
    this.#changed();
  }

  /** It is not started again from here on. */
  release(): void {
    this.#released = true;
    if (this.#state.kind === "pausing") clearTimeout(this.#state.timer);
    if (this.#state.kind !== "running") this.#state = { kind: "stopped" };
  }

  /** Undefined while it does not run. */
  get record(): ProcessRecord | undefined {
    if (this.#state.kind !== "running") return undefined;
    const { identity, startedMs } = this.#state;
    return { name: this.plan.name, ...identity, startedMs, restarts: this.#restarts };
  }

  #ended(how: string): void {
    const lived = this.#state.kind === "running" ? Date.now() - this.#state.startedMs : 0;
    this.#state = { kind: "stopped" };
    if (!this.#released) this.#startAgain(how, lived);
    this.#changed();
  }

  #startAgain(how: string, livedMs: number): void {
    this.#quickEnds = livedMs >= RECOVERED_MS ? 1 : this.#quickEnds + 1;
    this.#restarts++;
    const pauseMs = restartPause(this.#quickEnds);
    this.#log.warn(`${this.plan.name} ${how}; it is started again`, { restarts: this.#restarts, pauseMs });
    if (pauseMs === 0) this.start();
    else this.#state = { kind: "pausing", timer: setTimeout(() => this.start(), pauseMs) };
  }
}

/** Milliseconds until the restart after the n-th end in a row. */
export function restartPause(quickEnds: number): number {
  return quickEnds <= 1 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (quickEnds - 2));
}
