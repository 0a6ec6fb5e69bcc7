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

export type ReadyMessage = Extract<LoopMessage, { kind: "ready" }>;

export class Engine {
  readonly #worker: Worker;
  readonly #counters = createCounters();
  readonly #options: EngineOptions;
  readonly #ready: Promise<ReadyMessage>;
  #wakeFd = -1;
  #stopped: (() => void) | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { role, device, port } = options;
    const settings: LoopSettings = { role, device, port, counters: this.#counters };
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      workerData: settings,
      name: "forwarding-loop",
    });
    this.#ready = new Promise((resolve, reject) => {
      this.#worker.on("message", (message: LoopMessage) => {
        if (message.kind === "ready") {
          this.#wakeFd = message.wakeFd;
          wakeEventFd(this.#wakeFd);
          resolve(message);
        } else if (message.kind === "stopped") this.#stopped?.();
        else options.onMessage(message);
      });
      this.#worker.on("error", (error: Error) => {
        reject(error);
        this.#fail(error);
      });
      this.#worker.on("exit", () => this.#fail(new Error("the forwarding loop ended")));
    });
    // Rejection is for whoever awaits `ready`; a later failure goes to `onFailure`.
    this.#ready.catch(() => undefined);
  }

  /** Rejects with the loop's SystemError where device or port cannot be had. */
  ready(): Promise<ReadyMessage> {
    return this.#ready;
  }

  post(command: Command): void {
    this.#worker.postMessage(command);
    if (this.#wakeFd >= 0) wakeEventFd(this.#wakeFd);
  }

  counters(): ReturnType<typeof readCounters> {
    return readCounters(this.#counters);
  }

  /** Ends the loop; the device goes with it if `removeDevice`. */
  stop(removeDevice: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#stopped = resolve;
      this.post({ kind: "stop", removeDevice });
    });
  }

  #fail(error: Error): void {
    if (this.#stopped !== undefined) this.#stopped();
    else this.#options.onFailure(error);
  }
}
