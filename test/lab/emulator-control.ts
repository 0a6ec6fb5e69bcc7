import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type {
  DirectionCounters,
  DirectionName,
  DirectionSettings,
  EmulatorAnswer,
  EmulatorOptions,
  EmulatorRequest,
} from "./emulator/settings.ts";
import { start } from "./process.ts";

const BOTH: readonly DirectionName[] = ["up", "down"];
const START_TIMEOUT_MS = 10_000;

/** The way to talk to an emulator process, by its socket; any number of them may exist. */
export class EmulatorControl {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Starts the process in `namespace`, where its TAP devices appear, and waits until it carries frames. */
  static async start(options: EmulatorOptions, namespace: string, logPath: string): Promise<EmulatorControl> {
    const main = fileURLToPath(new URL("./emulator/main.ts", import.meta.url));
    const process = start([globalThis.process.execPath, main, JSON.stringify(options)], {
      namespace,
      logPath,
      detached: true,
    });
    const control = new EmulatorControl(options.socketPath);
    const deadline = Date.now() + START_TIMEOUT_MS;
    let ended = false;
    void process.exited.then(() => {
      ended = true;
    });
    while (!ended && Date.now() < deadline) {
      if (await control.#isListening()) {
        process.release();
        return control;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the link emulator did not start: ${readFileSync(logPath, "utf8").slice(-2000)}`);
  }

  async set(link: number, set: Partial<DirectionSettings>, directions = BOTH): Promise<void> {
    await this.#request({ kind: "set", link, directions, set });
  }

  async counters(): Promise<readonly Record<DirectionName, DirectionCounters>[]> {
    const answer = await this.#request({ kind: "counters" });
    if (answer.kind !== "counters") throw new Error(`the link emulator answered "${answer.kind}" to "counters"`);
    return answer.links;
  }

  async #request(request: EmulatorRequest): Promise<EmulatorAnswer> {
    const socket = connect(this.#socketPath);
    socket.write(`${JSON.stringify(request)}\n`);
    try {
      const answer = await new Promise<EmulatorAnswer>((resolve, reject) => {
        const lines = createInterface({ input: socket });
        lines.on("line", (line) => resolve(JSON.parse(line) as EmulatorAnswer));
        lines.on("error", reject);
        lines.on("close", () => reject(new Error("the link emulator closed the connection")));
      });
      if (answer.kind === "error") throw new Error(`link emulator: ${answer.message}`);
      return answer;
    } finally {
      socket.destroy();
    }
  }

  async #isListening(): Promise<boolean> {
    return this.#request({ kind: "counters" }).then(
      () => true,
      () => false,
    );
  }
}
