import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import fastify from "fastify";
import { restFixture } from "../fixtures/rest-app.ts";
import { sampleEvent, sampleLink, samplePath, samplePlan, sampleTelemetry } from "../fixtures/samples.ts";
import { edgebosSchema } from "../schema/edgebos-schema.ts";
import { openApiDocument } from "../schema/openapi.ts";

type Fixture = ReturnType<typeof restFixture>;

const PATCH = { method: "PATCH", url: "/api/v1/configuration" } as const;
const HOST = { host: "127.0.0.1" };

describe("REST", () => {
  let fixture: Fixture;
  beforeEach(() => {
    fixture = restFixture();
    fixture.state.setLink("wlan0", sampleLink("wlan0"));
    fixture.state.setPlan(samplePlan("wlan0"));
    fixture.state.setTelemetry(sampleTelemetry([samplePath("wlan0")]), 0);
  });
  afterEach(async () => {
    fixture.remove();
    await fixture.app.close();
  });
  const read = (url: string) => fixture.app.inject({ method: "GET", url, headers: HOST });
  const write = (payload: unknown, headers: Record<string, string> = {}, url: string = PATCH.url) =>
    fixture.app.inject({
      ...PATCH,
      url,
      payload: typeof payload === "string" ? payload : JSON.stringify(payload),
      headers: { ...HOST, "content-type": "application/json", ...headers },
    });

  for (const [url, name] of [
    ["/api/v1/status", "Status"],
    ["/api/v1/links", "LinkList"],
    ["/api/v1/links/wlan0", "LinkStatus"],
    ["/api/v1/statistics", "Statistics"],
    ["/api/v1/configuration", "Configuration"],
  ] as const) {
    test(`${url} answers what the OpenAPI document says`, async () => {
      const response = await read(url);
      assert.equal(response.statusCode, 200);
      assert.match(String(response.headers["content-type"]), /^application\/json/);
      assert.deepEqual(await violations(name, response.json()), []);
    });
  }

  test("the check against the document notices a missing, a wrong and a surplus field", async () => {
    const status = (await read("/api/v1/status")).json() as Record<string, unknown>;
    const { ready: _, ...missing } = status;
    for (const wrong of [missing, { ...status, node: 7 }, { ...status, surplus: true }, { ...status, role: "KING" }]) {
      assert.notDeepEqual(await violations("Status", wrong), []);
    }
  });

  test("a change of the configuration is answered as documented and stands in the file", async () => {
    const response = await write({ patch: "bonding: {algorithm: weighted}", dryRun: false });
    assert.equal(response.statusCode, 200);
    assert.deepEqual(await violations("UpdateConfigurationResponse", response.json()), []);
    assert.match(readFileSync(fixture.file, "utf8"), /algorithm: weighted/);
  });

  test("a merge patch is taken as the body itself, with revision and dry run beside it", async () => {
    const headers = { "content-type": "application/merge-patch+json" };
    const { etag } = (await read(PATCH.url)).headers;
    const dry = await write({ log: { level: "warn" } }, headers, `${PATCH.url}?dryRun=true`);
    assert.equal(dry.statusCode, 200);
    assert.doesNotMatch(readFileSync(fixture.file, "utf8"), /warn/);
    assert.equal((await write({ log: { level: "warn" } }, { ...headers, "if-match": String(etag) })).statusCode, 200);
    const stale = await write({ log: { level: "error" } }, { ...headers, "if-match": String(etag) });
    await assertProblem(stale, 409, "revision-stale");
  });

  test("problems are RFC 9457 details with a stable code", async () => {
    await assertProblem(await read("/api/v1/links/nope0"), 404, "link-unknown");
    await assertProblem(await read("/api/v1/nothing"), 404, "no-such-path");
    await assertProblem(await read("/api/v1/watch?topics=weather"), 422, "topic-unknown");
    await assertProblem(await write({ patch: "bonding: {algorithm: fastest}" }), 422, "configuration-invalid");
    await assertProblem(await write({ patch: { bonding: {} } }), 422, "patch-invalid");
    await assertProblem(await write({ patch: "x", revision: "old" }), 409, "revision-stale");
    await assertProblem(await write("{"), 400, "malformed-json");
    await assertProblem(await write("null"), 400, "body-missing");
    await assertProblem(await write({ patch: "#".repeat(300_000) }), 413, "body-too-large");
    assert.deepEqual(fixture.unexpected, []);
  });

  test("changes from other origins, by other names and as forms are refused", async () => {
    const patch = { patch: "log: {level: warn}" };
    await assertProblem(await write(patch, { origin: "https://evil.example" }), 403, "foreign-origin");
    await assertProblem(await write(patch, { host: "evil.example" }), 421, "wrong-host");
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
      await assertProblem(await write(patch, { "content-type": type }), 415, "invalid-media-type");
    }
    const rebound = await fixture.app.inject({ method: "GET", url: "/", headers: { host: "evil.example:9080" } });
    await assertProblem(rebound, 421, "wrong-host");
    assert.doesNotMatch(readFileSync(fixture.file, "utf8"), /warn/);
  });

  test("the document is served, and each of its paths exists", async () => {
    const document = (await read("/api/v1/openapi.json")).json() as { paths: Record<string, Record<string, unknown>> };
    assert.ok(Object.keys(document.paths).length >= 6);
    for (const [path, operations] of Object.entries(document.paths)) {
      const url = path.replace(/\{(\w+)\}/g, ":$1");
      for (const verb of Object.keys(operations)) {
        assert.ok(fixture.app.hasRoute({ method: verb.toUpperCase() as "GET", url }), `${verb} ${url}`);
      }
    }
  });

  test("metrics count requests by method and outcome, and health follows its parts", async () => {
    await listening(fixture, async (port) => {
      await fetch(`http://127.0.0.1:${port}/api/v1/links/wlan0`);
      await fetch(`http://127.0.0.1:${port}/api/v1/links/nope0`);
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      assert.match(
        text,
        /edgebos_api_requests_total\{transport="rest",method="GET \/api\/v1\/links\/:name",code="200"/,
      );
      assert.match(
        text,
        /edgebos_api_requests_total\{transport="rest",method="GET \/api\/v1\/links\/:name",code="404"/,
      );
    });
    fixture.health.set("bus", false, "gone");
    const health = await read("/healthz");
    assert.equal(health.statusCode, 503);
    assert.match(health.body, /gone/);
  });

  test("without a built dashboard the front page says how to build it", async () => {
    const page = await read("/");
    assert.equal(page.statusCode, 200);
    assert.match(page.body, /npm run setup/);
    assert.match(String(page.headers["content-security-policy"]), /default-src 'self'/);
  });

  test("the watch streams the present state, then changes, as server-sent events", async () => {
    await listening(fixture, async (port) => {
      const stream = new EventReader(await request(`http://127.0.0.1:${port}/api/v1/watch?topics=plan,events`));
      const first = await stream.next();
      assert.equal(first.event, "plan");
      assert.deepEqual(await violations("WatchEvent", first.data), []);
      fixture.state.addEvent(sampleEvent("wlan0 is back"));
      const second = await stream.next();
      assert.equal(second.event, "event");
      assert.equal((second.data as { event: { text: string } }).event.text, "wlan0 is back");
      assert.equal(fixture.core.watchers, 1);
      stream.close();
    });
  });
});

/** What is wrong with a value by the OpenAPI document's schema; nothing is coerced or removed first. */
async function violations(name: string, value: unknown): Promise<unknown[]> {
  const strictly = { removeAdditional: false, coerceTypes: false, useDefaults: false, strict: false, allErrors: true };
  const app = fastify({ ajv: { customOptions: strictly as object } });
  const { components } = openApiDocument(edgebosSchema(), "0");
  let found: unknown[] = [];
  app.post("/", (request) => {
    const validate = request.compileValidationSchema({ $ref: `#/components/schemas/${name}`, components });
    found = validate(value) ? [] : (validate.errors ?? ["not valid"]);
    return {};
  });
  const response = await app.inject({ method: "POST", url: "/" });
  assert.equal(response.statusCode, 200, response.body);
  await app.close();
  return found;
}

async function assertProblem(
  response: { statusCode: number; body: string; headers: Record<string, unknown>; json(): unknown },
  status: number,
  code: string,
): Promise<void> {
  const problem = response.json() as { code: string; status: number; detail: string };
  assert.deepEqual([response.statusCode, problem.status, problem.code], [status, status, code], response.body);
  assert.match(String(response.headers["content-type"]), /^application\/problem\+json/);
  assert.deepEqual(await violations("Problem", problem), []);
  assert.ok(problem.detail.length > 10);
}

async function listening(fixture: Fixture, use: (port: number) => Promise<void>): Promise<void> {
  await fixture.app.listen({ host: "127.0.0.1", port: 0 });
  await use((fixture.app.server.address() as AddressInfo).port);
}

function request(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(url, resolve).on("error", reject));
}

/** Splits a stream of server-sent events. */
class EventReader {
  readonly #response: IncomingMessage;
  readonly #chunks: AsyncIterator<string>;
  #text = "";

  constructor(response: IncomingMessage) {
    this.#response = response;
    this.#chunks = response.setEncoding("utf8")[Symbol.asyncIterator]() as AsyncIterator<string>;
  }

  async next(): Promise<{ event: string; data: unknown }> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const match = /^event: (\w+)\ndata: (.*)$/.exec(this.#text.slice(0, end));
        this.#text = this.#text.slice(end + 2);
        if (match) return { event: match[1]!, data: JSON.parse(match[2]!) };
        continue;
      }
      const { value, done } = await this.#chunks.next();
      if (done) throw new Error("the stream ended");
      this.#text += value;
    }
  }

  close(): void {
    this.#response.destroy();
  }
}
