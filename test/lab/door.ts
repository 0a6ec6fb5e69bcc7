import { request } from "node:http";
import { join } from "node:path";
import { startDialogue } from "./dialogue.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Loopback ports of a namespace, reachable from outside. */
export interface Door {
  /** Unix socket that leads to the port. */
  socketPath(port: number): string;
  http(port: number, path: string, options?: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
}

const HTTP_TIMEOUT_MS = 5000;

export async function openDoor(namespace: string, directory: string, ports: readonly number[]): Promise<Door> {
  const program = startDialogue({
    namespace,
    program: new URL("./door-program.ts", import.meta.url),
    arguments: [directory, ...ports.map(String)],
  });
  await program.hear();
  const socketPath = (port: number): string => join(directory, String(port));
  return {
    socketPath,
    http: (port, path, options = {}) => http(socketPath(port), port, path, options),
    close: () => program.stop(),
  };
}

/** Rejects where nothing listens on the port, or nothing is answered in time. */
function http(socketPath: string, port: number, path: string, options: HttpRequest): Promise<HttpAnswer> {
  const { method = "GET", headers = {}, body, timeoutMs = HTTP_TIMEOUT_MS } = options;
  return new Promise((resolve, reject) => {
    const out = request({ socketPath, path, method, headers: { host: `127.0.0.1:${port}`, ...headers } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
      answer.on("error", reject);
    });
    out.setTimeout(timeoutMs, () => out.destroy(new Error(`no answer from port ${port} in ${timeoutMs} ms`)));
    out.on("error", reject);
    out.end(body);
  });
}
