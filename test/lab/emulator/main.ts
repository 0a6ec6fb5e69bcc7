/**
 * The link emulator: `node test/lab/emulator/main.ts '<EmulatorOptions as JSON>'`. Creates two TAP devices per link in
 * the namespace in which it is started (the lab then moves them to where they belong; an open TAP goes on working there), and
 * carries frames between them until it gets a signal. Says "ready" on standard output.
 *
 * This thread answers requests on a Unix socket; frames are carried by the worker in loop.ts.
 */
import { createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { MessageChannel, Worker } from "node:worker_threads";
import { Control } from "./control.ts";
import type { LoopData } from "./loop.ts";
import { COUNTERS, type EmulatorAnswer, type EmulatorOptions, type EmulatorRequest } from "./settings.ts";

start(JSON.parse(process.argv[2] ?? "null") as EmulatorOptions | null);

function start(options: EmulatorOptions | null): void {
  if (!options) throw new Error("usage: main.ts '<EmulatorOptions as JSON>'");
  const channel = new MessageChannel();
  const data: LoopData = {
    links: options.links,
    seed: options.seed,
    generation: new SharedArrayBuffer(4),
    counters: new SharedArrayBuffer(options.links.length * 2 * COUNTERS.length * 8),
    settingsPort: channel.port2,
  };
  const worker = new Worker(new URL("./loop.ts", import.meta.url), {
    workerData: data,
    transferList: [channel.port2],
  });
  worker.on("error", (error) => {
    console.error(error);
    process.exit(1);
  });
  const control = new Control(options, data, (change) => channel.port1.postMessage(change));
  const server = createServer((socket) => serve(socket, control));
  worker.once("message", () => server.listen(options.socketPath, () => console.log("ready")));
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
}

function serve(socket: Socket, control: Control): void {
  const lines = createInterface({ input: socket });
  lines.on("error", () => socket.destroy());
  lines.on("line", (line) => {
    socket.write(`${JSON.stringify(answer(line, control))}\n`);
  });
}

function answer(line: string, control: Control): EmulatorAnswer {
  try {
    const request = JSON.parse(line) as EmulatorRequest;
    return request.kind === "set" ? control.set(request) : control.counters();
  } catch (error) {
    return { kind: "error", message: error instanceof Error ? error.message : String(error) };
  }
}
