import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { common, link, management, telemetry } from "@edgebos/proto";
import { sampleLink, samplePath, samplePeer, sampleTelemetry } from "../fixtures/samples.ts";
import { edgebosSchema } from "./edgebos-schema.ts";
import { messageJson } from "./json.ts";
import { openApiDocument, restBinding } from "./openapi.ts";

const schema = edgebosSchema();

describe("the schema read from the descriptor", () => {
  test("has every message, with the comments of the proto files", () => {
    const shape = schema.messages.get("edgebos.v1.Link");
    assert.ok(shape);
    assert.deepEqual(
      shape.fields.map(({ jsonName }) => jsonName),
      Object.keys(link.Link.fromJSON({ quality: {} })),
    );
    assert.match(shape.comment, /One uplink as linkmon sees it/);
    assert.equal(shape.fields.find(({ jsonName }) => jsonName === "rateLimitMbit")?.comment, "0 = none.");
  });

  test("knows lists, maps, enums and unions", () => {
    const field = (message: string, name: string) =>
      schema.messages.get(`edgebos.v1.${message}`)?.fields.find(({ jsonName }) => jsonName === name);
    assert.equal(field("Link", "addresses")?.container, "list");
    assert.equal(field("PeerSample", "drops")?.container, "map");
    assert.deepEqual(field("PeerSample", "drops")?.type, { kind: "scalar", scalar: "uint64" });
    assert.deepEqual(field("Link", "kind")?.type, { kind: "enum", name: "edgebos.v1.LinkKind" });
    assert.equal(field("WatchEvent", "statistics")?.oneof, "payload");
  });
});

describe("proto3 JSON", () => {
  test("reads back to the same message", () => {
    const sample = sampleTelemetry([samplePath("wlan0"), samplePath("wwan0")], [samplePeer("server")]);
    assert.deepEqual(telemetry.PathTelemetry.fromJSON(messageJson(schema, "edgebos.v1.PathTelemetry", sample)), sample);
    const value = sampleLink("wlan0");
    assert.deepEqual(link.Link.fromJSON(messageJson(schema, "edgebos.v1.Link", value)), value);
  });

  test("has fields that hold their default, and leaves out messages that are absent", () => {
    const json = messageJson(schema, "edgebos.v1.LinkStatus", management.LinkStatus.fromJSON({ path: {} }));
    assert.deepEqual(Object.keys(json), ["path"]);
    assert.deepEqual(json.path, { ...(json.path as object), lossPpm: 0, remote: "", state: "PATH_STATE_UNSPECIFIED" });
  });

  test("has the member of a union under its own name", () => {
    const event: management.WatchEvent = {
      payload: {
        $case: "plan",
        value: {
          revision: 1,
          createdMs: 2,
          algorithm: common.Algorithm.WEIGHTED,
          copies: 3,
          fecOff: false,
          links: [],
          summary: "s",
        },
      },
    };
    assert.deepEqual(messageJson(schema, "edgebos.v1.WatchEvent", event), {
      plan: {
        revision: 1,
        createdMs: 2,
        algorithm: "ALGORITHM_WEIGHTED",
        copies: 3,
        fecOff: false,
        links: [],
        summary: "s",
      },
    });
  });

  test("writes an enum value that the schema does not know as its number", () => {
    const json = messageJson(schema, "edgebos.v1.Link", sampleLink("x", { kind: 99 as common.LinkKind }));
    assert.equal(json.kind, 99);
  });
});

describe("the OpenAPI document", () => {
  const document = openApiDocument(schema, "9.9.9") as {
    paths: Record<string, Record<string, unknown>>;
    components: { schemas: Record<string, { required?: string[]; enum?: string[] }> };
  };

  test("has an operation for every method of the Management service", () => {
    const methods = schema.services.get("edgebos.v1.Management") ?? [];
    assert.equal(methods.length, Object.keys(management.ManagementService).length);
    for (const method of methods) {
      const binding = restBinding(method);
      assert.ok(binding, `${method.name} names no path in its comment`);
      assert.ok(document.paths[binding.path]?.[binding.verb], method.name);
    }
  });

  test("resolves every reference", () => {
    const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
      (match) => match[1]!,
    );
    assert.ok(references.length > 10);
    for (const name of references) assert.ok(document.components.schemas[name], name);
  });

  test("requires fields without presence, and offers enum values by name", () => {
    assert.ok(document.components.schemas.Status?.required?.includes("ready"));
    assert.ok(!document.components.schemas.Status?.required?.includes("plan"));
    assert.ok(document.components.schemas.LinkCondition?.enum?.includes("LINK_CONDITION_STALLED"));
  });
});
