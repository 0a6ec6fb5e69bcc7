import { management } from "@edgebos/proto";
import { VERSION } from "@edgebos/service";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Management } from "../management/management.ts";
import type { Schema } from "../schema/descriptor.ts";
import { messageJson } from "../schema/json.ts";
import { openApiDocument } from "../schema/openapi.ts";
import { streamWatch } from "./event-stream.ts";
import { RestError } from "./problem.ts";

const MERGE_PATCH = "application/merge-patch+json";

/** `/api/v1`: the Management service in proto3 JSON. */
export function addRoutes(app: FastifyInstance, core: Management, schema: Schema): void {
  const answer = (reply: FastifyReply, type: string, message: object) =>
    reply
      .header("cache-control", "no-store")
      .type("application/json")
      .send(messageJson(schema, type, message));

  app.get("/api/v1/status", async (_, reply) => answer(reply, "edgebos.v1.Status", await core.getStatus()));
  app.get("/api/v1/links", async (_, reply) => answer(reply, "edgebos.v1.LinkList", await core.listLinks()));
  app.get<{ Params: { name: string } }>("/api/v1/links/:name", async (request, reply) =>
    answer(reply, "edgebos.v1.LinkStatus", await core.getLink(request.params.name)),
  );
  app.get("/api/v1/statistics", async (_, reply) => answer(reply, "edgebos.v1.Statistics", await core.getStatistics()));
  app.get("/api/v1/configuration", async (_, reply) => {
    const configuration = await core.getConfiguration();
    reply.header("etag", `"${configuration.revision}"`);
    return answer(reply, "edgebos.v1.Configuration", configuration);
  });
  app.patch("/api/v1/configuration", async (request, reply) => {
    const response = await core.updateConfiguration(updateRequest(request));
    return answer(reply, "edgebos.v1.UpdateConfigurationResponse", response);
  });
  app.get<{ Querystring: { topics?: string | string[] } }>("/api/v1/watch", (request, reply) => {
    const topics = [request.query.topics ?? []].flat().flatMap((list) => list.split(",").filter((name) => name !== ""));
    const json = (event: management.WatchEvent) => JSON.stringify(messageJson(schema, "edgebos.v1.WatchEvent", event));
    streamWatch(core, topics, reply.raw, json);
    reply.hijack();
  });
  app.get("/api/v1/openapi.json", async (_, reply) =>
    reply.type("application/json").send(openApiDocument(schema, VERSION)),
  );
}

/** Takes `application/json`, an UpdateConfigurationRequest, and `application/merge-patch+json`, the patch itself. */
export function addBodyParsers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(["application/json", MERGE_PATCH], { parseAs: "string" }, (_request, body, done) => {
    try {
      done(null, JSON.parse(body as string));
    } catch (error) {
      done(new RestError(400, "malformed-json", `the body is not JSON: ${(error as Error).message}`));
    }
  });
}

function updateRequest(request: FastifyRequest): management.UpdateConfigurationRequest {
  if (typeof request.body !== "object" || request.body === null) {
    throw new RestError(400, "body-missing", "send the change as the body, in JSON");
  }
  if (!request.headers["content-type"]?.startsWith(MERGE_PATCH)) {
    const { patch } = request.body as { patch?: unknown };
    if (typeof patch === "string") return management.UpdateConfigurationRequest.fromJSON(request.body);
    const text = `"patch" must be a string that holds the patch as JSON or YAML; to send the patch itself use content type ${MERGE_PATCH}`;
    throw new RestError(422, "patch-invalid", text);
  }
  const { dryRun } = request.query as { dryRun?: string };
  return {
    patch: JSON.stringify(request.body),
    revision: revisionOf(request.headers["if-match"]),
    dryRun: dryRun === "true",
  };
}

/** `"abc"`, `W/"abc"` and `abc` name the same revision; `*` is any. */
function revisionOf(ifMatch: string | undefined): string {
  const revision = ifMatch?.replace(/^W\//, "").replaceAll('"', "") ?? "";
  return revision === "*" ? "" : revision;
}
