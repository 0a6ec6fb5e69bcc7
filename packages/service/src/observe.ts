import { createServer, type Server, type Socket } from "node:net";
import type { Endpoint } from "./config/endpoint.ts";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { StartError } from "./start-error.ts";

/** A scraper that says nothing, or does not read, for this long is disconnected; milliseconds. */
const IDLE_LIMIT_MS = 10_000;
/** Longest request that is read, bytes. */
const REQUEST_LIMIT_BYTES = 16 * 1024;

interface Answer {
  readonly status: string;
  readonly type: string;
  readonly body: string;
}

/**
 * Serves `/metrics` and `/healthz` over HTTP: one GET or HEAD for each connection, and nothing else of the protocol. Node's
 * own HTTP server would cost each service 4 MB. `key` is the configuration key to name when the address cannot be used.
 */
export async function serveObservation(
  endpoint: Endpoint,
  key: string,
  metrics: Metrics,
  health: Health,
): Promise<Server> {
  const server = createServer((socket) => serve(socket, (path) => answer(path, metrics, health)));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(StartError.listen(key, `${endpoint.host}:${endpoint.port}`, cause)));
    server.listen(endpoint.port, endpoint.host, resolve);
  });
  return server;
}

async function answer(path: string, metrics: Metrics, health: Health): Promise<Answer> {
  if (path === "/metrics") {
    return { status: "200 OK", type: metrics.registry.contentType, body: await metrics.text() };
  }
  if (path === "/healthz") {
    const report = health.report();
    const status = report.healthy ? "200 OK" : "503 Service Unavailable";
    return { status, type: "application/json", body: `${JSON.stringify(report)}\n` };
  }
  return { status: "404 Not Found", type: "text/plain", body: "here are /metrics and /healthz\n" };
}

/** Reads one request and answers it. */
function serve(socket: Socket, answerTo: (path: string) => Promise<Answer>): void {
  let request = "";
  socket.setTimeout(IDLE_LIMIT_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.setEncoding("latin1").on("data", (text: string) => {
    request += text;
    const isComplete = request.includes("\r\n\r\n");
    if (!isComplete && request.length <= REQUEST_LIMIT_BYTES) return;
    socket.removeAllListeners("data");
    const [method, target = "/"] = request.split(/[ \r]/, 2);
    if (!isComplete) return finish(socket, { status: "431 Request Header Fields Too Large", ...TEXT, body: "" }, true);
    if (method !== "GET" && method !== "HEAD") {
      return finish(socket, { status: "405 Method Not Allowed", ...TEXT, body: "only GET and HEAD\n" }, true);
    }
    answerTo(target.split("?")[0]!).then(
      (reply) => finish(socket, reply, method === "GET"),
      (error: unknown) => finish(socket, { status: "500 Internal Server Error", ...TEXT, body: `${error}\n` }, true),
    );
  });
}

const TEXT = { type: "text/plain" } as const;

function finish(socket: Socket, { status, type, body }: Answer, withBody: boolean): void {
  const head = [
    `HTTP/1.1 ${status}`,
    `content-type: ${type}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${withBody ? body : ""}`);
}
