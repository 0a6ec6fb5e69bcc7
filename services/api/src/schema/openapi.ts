import type { FieldShape, FieldType, MethodShape, ScalarName, Schema } from "./descriptor.ts";
import type { Json } from "./json.ts";

type JsonObject = { readonly [key: string]: Json };

const SERVICE = "edgebos.v1.Management";
const PACKAGE_PREFIX = /^edgebos\.v1\./;

/**
 * OpenAPI 3.1 document of the REST interface, derived from the proto files: a method of the Management service whose comment
 * is `GET /path` becomes that operation, and each message and enum that it reaches a schema.
 */
export function openApiDocument(schema: Schema, version: string): JsonObject {
  const methods = schema.services.get(SERVICE) ?? [];
  const reached = new Set<string>();
  for (const method of methods) reach(schema, method.output, reached);
  reach(schema, UPDATE_REQUEST, reached);
  return {
    openapi: "3.1.0",
    info: { title: "EdgeBOS Aggregator management API", version, description: DESCRIPTION },
    servers: [{ url: "/" }],
    paths: paths(methods),
    components: { schemas: { ...schemas(schema, reached), Problem: PROBLEM_SCHEMA } },
  };
}

/** The `METHOD /path` that a method's comment begins with. */
export function restBinding(method: MethodShape): { readonly verb: string; readonly path: string } | undefined {
  const match = /^(GET|PATCH|POST|PUT|DELETE) (\/\S+)/.exec(method.comment);
  return match ? { verb: match[1]!.toLowerCase(), path: match[2]! } : undefined;
}

function paths(methods: readonly MethodShape[]): JsonObject {
  const result: Record<string, Record<string, Json>> = {};
  for (const method of methods) {
    const binding = restBinding(method);
    if (binding === undefined) continue;
    result[binding.path] = { ...result[binding.path], [binding.verb]: operation(method, binding.path) };
  }
  return result;
}

function operation(method: MethodShape, path: string): JsonObject {
  const mediaType = method.streams ? "text/event-stream" : "application/json";
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  const inPath = names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } }));
  const extra = EXTRA[method.name] ?? {};
  return {
    operationId: method.name.charAt(0).toLowerCase() + method.name.slice(1),
    summary: SUMMARIES[method.name] ?? method.name,
    parameters: [...inPath, ...(extra.parameters ?? [])],
    ...(extra.requestBody === undefined ? {} : { requestBody: extra.requestBody }),
    responses: {
      200: { description: "Success", content: { [mediaType]: { schema: reference(method.output) } } },
      default: {
        description: "A problem, and what to do about it (RFC 9457)",
        content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
  };
}

function reach(schema: Schema, name: string, reached: Set<string>): void {
  if (reached.has(name)) return;
  reached.add(name);
  for (const { type } of schema.messages.get(name)?.fields ?? []) {
    if (type.kind !== "scalar") reach(schema, type.name, reached);
  }
}

function schemas(schema: Schema, names: ReadonlySet<string>): JsonObject {
  const result: Record<string, Json> = {};
  for (const name of [...names].sort()) result[name.replace(PACKAGE_PREFIX, "")] = schemaOf(schema, name);
  return result;
}

function schemaOf(schema: Schema, name: string): Json {
  const enumeration = schema.enums.get(name);
  if (enumeration !== undefined) {
    const description = [enumeration.comment, ...enumeration.valueComments].filter((line) => line !== "").join("\n");
    return { type: "string", enum: [...enumeration.values.values()], ...described(description) };
  }
  const message = schema.messages.get(name);
  if (message === undefined) throw new TypeError(`there is no message ${name} in the schema`);
  const properties = message.fields.map((field) => [field.jsonName, fieldSchema(field)] as const);
  // A request may leave out what it does not want to say; a response always has every field that cannot be absent.
  const required = message.fields.filter((field) => name !== UPDATE_REQUEST && isAlwaysPresent(field));
  const unions = message.fields.filter((field) => field.oneof !== undefined);
  return {
    type: "object",
    ...described(message.comment),
    properties: Object.fromEntries(properties),
    required: name === UPDATE_REQUEST ? ["patch"] : required.map((field) => field.jsonName),
    additionalProperties: false,
    ...(unions.length === 0 ? {} : { oneOf: unions.map((field) => ({ required: [field.jsonName] })) }),
  };
}

function isAlwaysPresent(field: FieldShape): boolean {
  return field.oneof === undefined && (field.container !== "none" || field.type.kind !== "message");
}

function fieldSchema(field: FieldShape): Json {
  const value = typeSchema(field.type);
  switch (field.container) {
    case "list":
      return { type: "array", items: value, ...described(field.comment) };
    case "map":
      return { type: "object", additionalProperties: value, ...described(field.comment) };
    case "none":
      return { ...value, ...described(field.comment) };
  }
}

function typeSchema(type: FieldType): JsonObject {
  return type.kind === "scalar" ? SCALAR_SCHEMAS[type.scalar] : reference(type.name);
}

function reference(name: string): JsonObject {
  return { $ref: `#/components/schemas/${name.replace(PACKAGE_PREFIX, "")}` };
}

function described(description: string): { description?: string } {
  return description === "" ? {} : { description };
}

const UPDATE_REQUEST = "edgebos.v1.UpdateConfigurationRequest";

const DESCRIPTION =
  "Status, links, statistics and configuration of one node of a bond. The same messages are served over gRPC as " +
  "edgebos.v1.Management. Sizes are in bytes, rates in bits per second, times in Unix milliseconds, unless a name says otherwise.";

const SUMMARIES: Readonly<Record<string, string>> = {
  GetStatus: "The node, its peers and services, in one sentence and in detail",
  ListLinks: "Every link with its tunnel path and what the plan says of it; on a server every client's paths",
  GetLink: "One link by its interface name; on a server one path as `client/link`, with the slash written as %2F",
  GetStatistics: "Counters and rates of each path and each peer",
  GetConfiguration: "The effective configuration and its revision",
  UpdateConfiguration: "Changes the configuration file by a JSON merge patch (RFC 7386) and applies it",
  Watch: "Live changes as server-sent events, each of them one WatchEvent",
};

const EXTRA: Readonly<Record<string, { readonly parameters?: readonly Json[]; readonly requestBody?: Json }>> = {
  UpdateConfiguration: {
    parameters: [
      {
        name: "If-Match",
        in: "header",
        description: "Revision that a merge patch is meant for; an application/json body says it itself",
        schema: { type: "string" },
      },
      {
        name: "dryRun",
        in: "query",
        description: "With a merge patch: validate only",
        schema: { type: "boolean", default: false },
      },
    ],
    requestBody: {
      required: true,
      content: {
        "application/json": { schema: { $ref: "#/components/schemas/UpdateConfigurationRequest" } },
        "application/merge-patch+json": { schema: { type: "object" } },
      },
    },
  },
  Watch: {
    parameters: [
      {
        name: "topics",
        in: "query",
        description: "What to send; everything if left out",
        style: "form",
        explode: false,
        schema: { type: "array", items: { type: "string", enum: ["links", "statistics", "events", "plan"] } },
      },
    ],
  },
};

const PROBLEM_SCHEMA: Json = {
  type: "object",
  description: "RFC 9457 problem details",
  properties: {
    type: { type: "string", description: "Names the kind of problem; ends in its stable code" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string", description: "What is wrong and what to do" },
    code: { type: "string", description: "Stable, kebab-case" },
  },
  required: ["type", "title", "status", "detail", "code"],
};

const SCALAR_SCHEMAS: Readonly<Record<ScalarName, JsonObject>> = {
  double: { type: "number" },
  int64: { type: "integer", format: "int64" },
  uint64: { type: "integer", format: "int64", minimum: 0 },
  int32: { type: "integer", format: "int32" },
  uint32: { type: "integer", format: "int64", minimum: 0 },
  bool: { type: "boolean" },
  string: { type: "string" },
  bytes: { type: "string", contentEncoding: "base64" },
};
