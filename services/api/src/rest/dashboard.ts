import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply } from "fastify";

/** Where `pnpm --filter @edgebos/api build:web` puts the dashboard. */
export const BUILT_DASHBOARD = fileURLToPath(new URL("../../dist/web", import.meta.url));

/** Scripts and styles of our own only, no framing by others. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Serves the built dashboard at `/`, or a page that says how to build it. */
export function addDashboard(app: FastifyInstance, root: string): void {
  app.addHook("onSend", async (_request, reply) => {
    reply.header("x-content-type-options", "nosniff").header("referrer-policy", "no-referrer");
    if (String(reply.getHeader("content-type")).startsWith("text/html")) {
      reply.header("content-security-policy", PAGE_POLICY);
    }
  });
  if (existsSync(join(root, "index.html"))) {
    app.register(fastifyStatic, { root, immutable: true, maxAge: "365d", setHeaders: neverCachePages });
  } else {
    app.get("/", (_, reply) => reply.type("text/html; charset=utf-8").send(NOT_BUILT));
  }
}

/** Assets have a hash in their name and never change; pages name the assets and must be fresh. */
function neverCachePages(reply: FastifyReply, path: string): void {
  if (path.endsWith(".html")) reply.header("cache-control", "no-cache");
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>EdgeBOS: the dashboard is not built</title>
<h1>The dashboard is not built</h1>
<p>The service runs; only its web page is missing. In the repository, run
<pre>npm run setup</pre>
<p>or, when the packages are installed, <code>pnpm --filter @edgebos/api build:web</code>, then restart the service.
<p>Meanwhile: <a href="/api/v1/status">status</a>, <a href="/api/v1/links">links</a>, <a href="/metrics">metrics</a>,
<a href="/api/v1/openapi.json">OpenAPI document</a>.
</html>
`;
