/** Programs of the lab that are spoken to: one line in, lines out, until they are told to end. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Dialogue {
  readonly pid: number;
  say(line: string): void;
  /** The next line that the program says; rejects when it ends, or says nothing for `timeoutMs` (10 s). */
  hear(timeoutMs?: number): Promise<string>;
  /** Lines that were said and not yet heard. */
  pending(): readonly string[];
  stop(): Promise<void>;
}

export interface DialogueOptions {
  readonly namespace: string;
  readonly program: URL;
  readonly arguments: readonly string[];
}

const HEAR_TIMEOUT_MS = 10_000;
const GRACE_MS = 3000;

/** Starts a TypeScript program in a namespace. What it writes to standard error becomes part of the message when it ends too early. */
export function startDialogue(options: DialogueOptions): Dialogue {
  const program = options.program.pathname;
  const child = spawn("ip", ["netns", "exec", options.namespace, process.execPath, program, ...options.arguments], {
    stdio: "pipe",
    env: { PATH: process.env.PATH },
  });
  if (child.pid === undefined) throw new Error(`cannot start ${program}`);
  const speech = new Speech(program);
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  child.stdin.on("error", () => {});
  createInterface({ input: child.stdout }).on("line", (line) => speech.add(line));
  const exited = new Promise<void>((resolve) =>
    child.on("close", (status) => {
      speech.end(`${program} ended with ${status}: ${complaint.trim()}`);
      resolve();
    }),
  );
  return {
    pid: child.pid,
    say: (line) => void child.stdin.write(`${line}\n`),
    hear: (timeoutMs = HEAR_TIMEOUT_MS) => speech.hear(timeoutMs),
    pending: () => speech.waiting,
    stop: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}

class Speech {
  readonly waiting: string[] = [];
  readonly #program: string;
  readonly #listeners: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  #ended: string | undefined;

  constructor(program: string) {
    this.#program = program;
  }

  add(line: string): void {
    const listener = this.#listeners.shift();
    if (listener) listener.resolve(line);
    else this.waiting.push(line);
  }

  end(text: string): void {
    this.#ended = text;
    for (const { reject } of this.#listeners.splice(0)) reject(new Error(text));
  }

  async hear(timeoutMs: number): Promise<string> {
    const line = this.waiting.shift();
    if (line !== undefined) return line;
    if (this.#ended !== undefined) throw new Error(this.#ended);
    return new Promise((resolve, reject) => {
      const silence = setTimeout(() => {
        this.#listeners.splice(this.#listeners.indexOf(listener), 1);
        reject(new Error(`${this.#program} said nothing for ${timeoutMs} ms`));
      }, timeoutMs);
      const listener = {
        resolve: (text: string) => {
          clearTimeout(silence);
          resolve(text);
        },
        reject: (error: Error) => {
          clearTimeout(silence);
          reject(error);
        },
      };
      this.#listeners.push(listener);
    });
  }
}
