/** The forwarding loop as the main thread sees it: commands in, messages out, counters to read. */

import { Worker } from "node:worker_threads";
import { wakeEventFd } from "@edgebos/linux-io";
import type { Command, LoopMessage, LoopSettings } from "./commands.ts";
import { createCounters, readCounters } from "./counters.ts";

export interface EngineOptions {
  readonly role: LoopSettings["role"];
  readonly device: string;
  readonly port: number;
  readonly onMessage: (message: Exclude<LoopMessage, { kind: "ready" | "stopped" }>) => void;
  /** The loop ended by itself; the service cannot go on. */
  readonly onFailure: (error: Error) => void;
}

/**
 * Starts the loop's thread, which loads its code and waits for settings. To be called first of all: the thread then loads while the
 * rest of the service does, and a restart after a crash is over sooner.
 */
export function startLoopThread(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), { name: "forwarding-loop" });
}

export type ReadyMessage = Extract<LoopMessage, { kind: "ready" }>;

export class Engine {
  readonly #worker: Worker;
  readonly #counters = createCounters();
  readonly #onFailure: (error: Error) => void;
  readonly #ready: Promise<ReadyMessage>;
  #state: "starting" | "running" | "stopping" | "ended" = "starting";
  #wakeFd = -1;
  #onEnd: () => void = () => undefined;

  /** `thread` is one of {@link startLoopThread}. */
  constructor(thread: Worker, options: EngineOptions) {
    const { role, device, port, onMessage } = options;
    this.#worker = thread;
    this.#onFailure = options.onFailure;
    const settings: LoopSettings = { role, device, port, counters: this.#counters };
    thread.postMessage(settings);
    this.#ready = new Promise((resolve, reject) => {
      thread.on("message", (message: LoopMessage) => {
        if (message.kind === "ready") {
          this.#begin(message);
          resolve(message);
        } else if (message.kind === "stopped") this.#end();
        else onMessage(message);
      });
      thread.on("error", (error: Error) => {
        reject(error);
        this.#fail(error);
      });
      thread.on("exit", () => this.#fail(new Error("the forwarding loop ended")));
    });
    // Whoever awaits `ready` hears of a rejection.
    this.#ready.catch(() => undefined);
  }

  /** Rejects with the loop's SystemError where device or port cannot be had. */
  ready(): Promise<ReadyMessage> {
    return this.#ready;
  }

  /** Commands are carried out in order, from when the loop runs on. */
  post(command: Command): void {
    this.#worker.postMessage(command);
    if (this.#wakeFd >= 0) wakeEventFd(this.#wakeFd);
  }

  counters(): ReturnType<typeof readCounters> {
    return readCounters(this.#counters);
  }

  /** Ends the loop; the device goes with it if `removeDevice`. */
  stop(removeDevice: boolean): Promise<void> {
    if (this.#state === "ended") return Promise.resolve();
    this.#state = "stopping";
    return new Promise((resolve) => {
      this.#onEnd = resolve;
      this.post({ kind: "stop", removeDevice });
    });
  }

  #begin({ wakeFd }: ReadyMessage): void {
    if (this.#state === "starting") this.#state = "running";
    this.#wakeFd = wakeFd;
    wakeEventFd(wakeFd);
  }

  #end(): void {
    this.#state = "ended";
    this.#onEnd();
  }

  /** A loop that never ran is told by `ready`. */
  #fail(error: Error): void {
    if (this.#state === "running") this.#onFailure(error);
    this.#end();
  }
}
