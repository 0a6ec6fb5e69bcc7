import { get } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Running, start } from "./process.ts";

export interface RelayOptions {
  /** `unix:<path>` or `tcp:<host>:<port>`. */
  readonly listen: string;
  readonly connect: string;
  readonly namespace?: string;
  readonly detached?: boolean;
}

/** Starts a relay process and waits until it listens. */
export async function startRelay(options: RelayOptions): Promise<Running> {
  const program = fileURLToPath(new URL("./relay-program.ts", import.meta.url));
  const { listen, connect, ...rest } = options;
  const relay = start([process.execPath, program, listen, connect], rest);
  for await (const line of relay.lines) {
    if (line !== "listening") continue;
    if (options.detached) relay.release();
    return relay;
  }
  throw new Error(`the relay from ${options.listen} to ${options.connect} did not start`);
}

/** GET of a JSON document over a Unix socket. */
export async function getJson<T>(socketPath: string, path: string): Promise<T> {
  return JSON.parse(await getText(socketPath, path)) as T;
}

/** GET of a text over a Unix socket. */
export async function getText(socketPath: string, path: string): Promise<string> {
  const response = await open(socketPath, path);
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode} ${text.slice(0, 300)}`);
  return text;
}

/** Server-sent events over a Unix socket: the data of each, parsed. Ends when `onEvent`'s stream is closed by `close`. */
export async function watchEvents<T>(socketPath: string, path: string, onEvent: (event: T) => void) {
  const response = await open(socketPath, path);
  const lines = createInterface({ input: response });
  lines.on("error", () => {});
  lines.on("line", (line) => {
    if (line.startsWith("data: ")) onEvent(JSON.parse(line.slice("data: ".length)) as T);
  });
  return { close: (): void => void response.destroy() };
}

function open(socketPath: string, path: string) {
  return new Promise<import("node:http").IncomingMessage>((resolve, reject) => {
    get({ socketPath, path, headers: { host: "127.0.0.1" }, agent: false }, resolve).on("error", reject);
  });
}
