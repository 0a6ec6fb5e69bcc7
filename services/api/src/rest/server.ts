import { type Endpoint, type Health, type Metrics, StartError } from "@edgebos/service";
import fastify, { type FastifyInstance } from "fastify";
import type { Management } from "../management/management.ts";
import type { RequestMetrics } from "../observe/request-metrics.ts";
import type { Schema } from "../schema/descriptor.ts";
import { addDashboard } from "./dashboard.ts";
import { guard } from "./guard.ts";
import { problemOf, RestError } from "./problem.ts";
import { addBodyParsers, addRoutes } from "./routes.ts";

const BODY_BYTES_ALLOWED = 256 * 1024;

export interface RestServerOptions {
  readonly endpoint: Endpoint;
  readonly core: Management;
  readonly schema: Schema;
  readonly metrics: Metrics;
  readonly requests: RequestMetrics;
  readonly health: Health;
  /** Directory of the built dashboard. */
  readonly dashboard: string;
  readonly report: (method: string, error: unknown) => void;
}

/** REST, dashboard, `/metrics` and `/healthz` on one port. Rejects with StartError if the address cannot be used. */
export async function listenRest(options: RestServerOptions): Promise<FastifyInstance> {
  const app = restApp(options);
  const { host, port } = options.endpoint;
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw StartError.listen("listen.http", `${host}:${port}`, cause);
  }
  return app;
}

/** The application without a listener, for tests. */
export function restApp(options: RestServerOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_ALLOWED,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: true },
  });
  app.addHook("onRequest", async (request) => guard(request, options.endpoint.host));
  countRequests(app, options.requests);
  answerErrors(app, options.report);
  addBodyParsers(app);
  addRoutes(app, options.core, options.schema);
  addObservation(app, options.metrics, options.health);
  addDashboard(app, options.dashboard);
  return app;
}

function countRequests(app: FastifyInstance, requests: RequestMetrics): void {
  app.addHook("onRequest", async (request, reply) => {
    const route = request.routeOptions.url ?? "";
    if (!route.startsWith("/api/")) return;
    const done = requests.begin("rest", route === "/api/v1/watch" ? "Watch" : `${request.method} ${route}`);
    reply.raw.once("close", () => done(String(reply.raw.statusCode)));
  });
}

function answerErrors(app: FastifyInstance, report: RestServerOptions["report"]): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500 && problem.code === "internal") report(`${request.method} ${request.url}`, error);
    return reply.code(problem.status).type("application/problem+json").send(problem);
  });
  app.setNotFoundHandler((request, reply) => {
    const text = `there is no ${request.method} ${request.url}: /api/v1/openapi.json lists what there is`;
    const problem = problemOf(new RestError(404, "no-such-path", text));
    return reply.code(404).type("application/problem+json").send(problem);
  });
}

function addObservation(app: FastifyInstance, metrics: Metrics, health: Health): void {
  app.get("/metrics", async (_, reply) => reply.type(metrics.registry.contentType).send(await metrics.text()));
  app.get("/healthz", async (_, reply) => {
    const report = health.report();
    return reply.code(report.healthy ? 200 : 503).send(report);
  });
}
