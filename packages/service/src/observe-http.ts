import { createServer, type Server } from "node:http";
import type { Endpoint } from "./config/endpoint.ts";
import type { Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { StartError } from "./start-error.ts";

/** Serves `/metrics` and `/healthz`. `key` is the configuration key to name when the address cannot be used. */
export async function serveObservation(
  endpoint: Endpoint,
  key: string,
  metrics: Metrics,
  health: Health,
): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD" }).end();
    } else if (path === "/metrics") {
      metrics.text().then(
        (text) => response.writeHead(200, { "content-type": metrics.registry.contentType }).end(text),
        (error: unknown) => response.writeHead(500, { "content-type": "text/plain" }).end(`${String(error)}\n`),
      );
    } else if (path === "/healthz") {
      const report = health.report();
      const status = report.healthy ? 200 : 503;
      response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(report)}\n`);
    } else {
      response.writeHead(404, { "content-type": "text/plain" }).end("here are /metrics and /healthz\n");
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(StartError.listen(key, `${endpoint.host}:${endpoint.port}`, cause)));
    server.listen(endpoint.port, endpoint.host, resolve);
  });
  return server;
}
