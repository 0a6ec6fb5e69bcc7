import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

/** A headless browser in a namespace, spoken to by the DevTools protocol over pipes. */
export interface Chromium {
  /** Opens a page and evaluates an expression in it; a promise is waited for. */
  evaluateAt<T>(url: string, expression: string): Promise<T>;
  stop(): Promise<void>;
}

export interface ChromiumOptions {
  readonly namespace: string;
  readonly profileDirectory: string;
  readonly flags: readonly string[];
}

const PROGRAM = "chromium-headless-shell";
const ANSWER_TIMEOUT_MS = 60_000;
const GRACE_MS = 3000;

export async function startChromium({ namespace, profileDirectory, flags }: ChromiumOptions): Promise<Chromium> {
  const always = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"];
  const command = [PROGRAM, ...always, `--user-data-dir=${profileDirectory}`, ...flags, "about:blank"];
  const child = spawn("ip", ["netns", "exec", namespace, ...command], {
    stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
  });
  const devtools = new DevTools(child);
  return {
    async evaluateAt<T>(url: string, expression: string): Promise<T> {
      const { targetId } = await devtools.call<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
      const attach = { targetId, flatten: true };
      const { sessionId } = await devtools.call<{ sessionId: string }>("Target.attachToTarget", attach);
      await devtools.call("Page.enable", {}, sessionId);
      const loaded = devtools.event("Page.loadEventFired", sessionId);
      const { errorText } = await devtools.call<{ errorText?: string }>("Page.navigate", { url }, sessionId);
      if (errorText) throw new Error(`chromium cannot open ${url}: ${errorText}`);
      await loaded;
      const question = { expression, awaitPromise: true, returnByValue: true };
      const answer = await devtools.call<Evaluation<T>>("Runtime.evaluate", question, sessionId);
      if (answer.exceptionDetails) throw new Error(`in the page: ${JSON.stringify(answer.exceptionDetails)}`);
      await devtools.call("Target.closeTarget", { targetId });
      return answer.result.value;
    },
    stop: () => stop(child),
  };
}

interface Evaluation<T> {
  readonly result: { readonly value: T };
  readonly exceptionDetails?: unknown;
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** JSON messages that end in a zero byte: descriptor 3 of the browser takes them, 4 gives them. */
class DevTools {
  readonly #write: Writable;
  readonly #waiting = new Map<number | string, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #number = 0;
  #complaint = "";

  constructor(child: ChildProcess) {
    this.#write = child.stdio[3] as Writable;
    this.#write.on("error", () => {});
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2000);
    });
    child.on("close", (status) => this.#fail(`chromium ended with ${status}: ${this.#complaint.trim()}`));
    let rest = "";
    (child.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => {
      const messages = (rest + text).split("\0");
      rest = messages.pop()!;
      for (const message of messages) this.#take(JSON.parse(message) as Message);
    });
  }

  call<T>(method: string, params: object, sessionId?: string): Promise<T> {
    const id = ++this.#number;
    this.#write.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return this.#wait<T>(id, method);
  }

  event(method: string, sessionId: string): Promise<unknown> {
    return this.#wait(`${method} ${sessionId}`, method);
  }

  #wait<T>(key: number | string, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(key);
        reject(new Error(`chromium did not answer to ${what}: ${this.#complaint.trim()}`));
      }, ANSWER_TIMEOUT_MS);
      const settle =
        <V>(act: (value: V) => void) =>
        (value: V) => {
          clearTimeout(timer);
          this.#waiting.delete(key);
          act(value);
        };
      this.#waiting.set(key, { resolve: settle(resolve), reject: settle(reject) });
    });
  }

  #take({ id, method, sessionId, result, error }: Message): void {
    const waiting = this.#waiting.get(id ?? `${method} ${sessionId}`);
    if (error) waiting?.reject(new Error(`chromium: ${error.message}`));
    else waiting?.resolve(result as never);
  }

  #fail(text: string): void {
    for (const { reject } of [...this.#waiting.values()]) reject(new Error(text));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  await exited;
  clearTimeout(timer);
}
