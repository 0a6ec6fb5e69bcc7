import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { management } from "@edgebos/proto";
import { Metrics } from "@edgebos/service";
import { Client, type ClientUnaryCall, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { coreFixture } from "../fixtures/rest-app.ts";
import { sampleEvent, sampleLink, samplePath, samplePlan, sampleTelemetry } from "../fixtures/samples.ts";
import { requestMetrics } from "../observe/request-metrics.ts";
import { parseDescriptorSet } from "../schema/descriptor.ts";
import { edgebosSchema } from "../schema/edgebos-schema.ts";
import { wireFields } from "../schema/wire-fields.ts";
import { GrpcServer } from "./server.ts";

describe("gRPC", () => {
  let fixture: ReturnType<typeof coreFixture>;
  let metrics: Metrics;
  let server: GrpcServer;
  let client: management.ManagementClient;
  let address: string;
  beforeEach(async () => {
    fixture = coreFixture();
    fixture.state.setLink("wlan0", sampleLink("wlan0"));
    fixture.state.setPlan(samplePlan("wlan0"));
    fixture.state.setTelemetry(sampleTelemetry([samplePath("wlan0")]), 0);
    metrics = new Metrics({ service: "api" });
    server = await GrpcServer.listen({
      endpoint: { host: "127.0.0.1", port: 0 },
      core: fixture.core,
      schema: edgebosSchema(),
      metrics: requestMetrics(metrics),
      report: (method, error) => assert.fail(`${method}: ${String(error)}`),
    });
    address = `127.0.0.1:${server.port}`;
    client = new management.ManagementClient(address, credentials.createInsecure());
  });
  afterEach(() => {
    client.close();
    server.close();
    fixture.remove();
  });

  test("answers every unary method", async () => {
    assert.equal((await reply<management.Status>((done) => client.getStatus({}, done))).ready, true);
    assert.equal((await reply<management.LinkList>((done) => client.listLinks({}, done))).links.length, 1);
    const { link } = await reply<management.LinkStatus>((done) => client.getLink({ name: "wlan0" }, done));
    assert.deepEqual(link, sampleLink("wlan0"));
    const statistics = await reply<management.Statistics>((done) => client.getStatistics({}, done));
    assert.deepEqual(statistics.paths, [samplePath("wlan0")]);
    const { revision } = await reply<management.Configuration>((done) => client.getConfiguration({}, done));
    const request = { patch: "log: {level: warn}", revision, dryRun: true };
    const update = await reply<management.UpdateConfigurationResponse>((done) =>
      client.updateConfiguration(request, done),
    );
    assert.match(update.configuration?.yaml ?? "", /level: warn/);
  });

  test("translates errors into statuses, with the stable code as metadata", async () => {
    for (const [expected, code, invoke] of [
      [status.NOT_FOUND, "link-unknown", (done: Done<unknown>) => client.getLink({ name: "nope0" }, done)],
      [status.INVALID_ARGUMENT, "configuration-invalid", updating("bonding: {algorithm: fastest}")],
      [status.ABORTED, "revision-stale", updating("log: {level: warn}", "another")],
    ] as const) {
      const error = await reply(invoke).then(
        () => undefined,
        (reason: ServiceError) => reason,
      );
      assert.equal(error?.code, expected);
      assert.deepEqual(error?.metadata.get("edgebos-code"), [code]);
      assert.ok(error.details.length > 10);
    }
    assert.match(
      await metrics.text(),
      /edgebos_api_requests_total\{transport="grpc",method="GetLink",code="NOT_FOUND"/,
    );
  });

  test("streams a watch until the client cancels it", async () => {
    const call = client.watch({ topics: ["links", "events"] });
    const events = call[Symbol.asyncIterator]() as AsyncIterator<management.WatchEvent>;
    assert.equal((await events.next()).value.payload.$case, "links");
    fixture.state.addEvent(sampleEvent("wlan0 is back"));
    assert.equal((await events.next()).value.payload.value.text, "wlan0 is back");
    call.on("error", () => {});
    call.cancel();
    await assert.rejects(events.next(), { code: status.CANCELLED });
    // The cancellation reaches the server before the answer to a later call does.
    await reply<management.LinkList>((done) => client.listLinks({}, done));
    assert.equal(fixture.core.watchers, 0);
  });

  test("refuses a watch of an unknown topic", async () => {
    const events = client.watch({ topics: ["weather"] })[Symbol.asyncIterator]();
    await assert.rejects(events.next(), { code: status.INVALID_ARGUMENT });
  });

  test("answers grpc.health.v1 by whether the node is ready", async () => {
    const raw = new Client(address, credentials.createInsecure());
    const check = async (service: string) =>
      firstNumber(await unary(raw, "/grpc.health.v1.Health/Check", text(1, service)), 1);
    assert.equal(await check(""), NOT_SERVING);
    server.setServing(true);
    assert.equal(await check(""), SERVING);
    assert.equal(await check("edgebos.v1.Management"), SERVING);
    await assert.rejects(check("edgebos.v1.Nothing"), { code: status.NOT_FOUND });
    raw.close();
  });

  for (const version of ["v1", "v1alpha"]) {
    test(`lets generic clients find services and types by reflection ${version}`, async () => {
      const raw = new Client(address, credentials.createInsecure());
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      const listed = nested(await reflect(raw, path, text(LIST_SERVICES, "*")), LIST_SERVICES_RESPONSE);
      const names = listed
        .flatMap((list) => nested(list, 1))
        .map((service) => String(Buffer.from(nested(service, 1)[0]!)));
      assert.deepEqual(names.sort(), ["edgebos.v1.Management", "grpc.health.v1.Health"]);

      const found = await reflect(raw, path, text(FILE_CONTAINING_SYMBOL, "edgebos.v1.Management"));
      const files = nested(found, FILE_DESCRIPTOR_RESPONSE).flatMap((response) => nested(response, 1));
      const schema = parseDescriptorSet(Buffer.concat(files.map((file) => lengthDelimited(1, file))));
      const methods = schema.services.get("edgebos.v1.Management") ?? [];
      assert.equal(methods.length, Object.keys(management.ManagementService).length);
      for (const { input, output } of methods) assertComplete(schema, input, assertComplete(schema, output));
      raw.close();
    });
  }

  function updating(patch: string, revision = "") {
    return (done: Done<unknown>) => client.updateConfiguration({ patch, revision, dryRun: true }, done);
  }
});

type Done<T> = (error: ServiceError | null, response: T) => void;

const SERVING = 1;
const NOT_SERVING = 2;
/** Field numbers of grpc/reflection/v1/reflection.proto. */
const FILE_CONTAINING_SYMBOL = 4;
const LIST_SERVICES = 7;
const FILE_DESCRIPTOR_RESPONSE = 4;
const LIST_SERVICES_RESPONSE = 6;

function reply<T>(invoke: (done: Done<T>) => ClientUnaryCall): Promise<T> {
  return new Promise((resolve, reject) => {
    invoke((error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

/** A call with encoded messages, as a client does it that has no generated code. */
function unary(client: Client, path: string, request: Buffer): Promise<Buffer> {
  return reply((done) =>
    client.makeUnaryRequest(
      path,
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
      request,
      done as never,
    ),
  );
}

function reflect(client: Client, path: string, request: Buffer): Promise<Buffer> {
  const call = client.makeBidiStreamRequest(
    path,
    (bytes: Buffer) => bytes,
    (bytes) => bytes,
  );
  call.write(request);
  call.end();
  return new Promise((resolve, reject) => call.on("data", resolve).on("error", reject));
}

function text(field: number, value: string): Buffer {
  return lengthDelimited(field, Buffer.from(value));
}

function lengthDelimited(field: number, bytes: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from([field * 8 + 2, ...length]), bytes]);
}

function nested(message: Uint8Array, field: number): Uint8Array[] {
  return [...wireFields(message)].flatMap(({ number, value }) =>
    number === field && typeof value !== "number" ? [value] : [],
  );
}

function firstNumber(message: Uint8Array, field: number): number {
  return [...wireFields(message)].find(({ number }) => number === field)?.value as number;
}

/** Every type that `name` refers to is in the schema. */
function assertComplete(
  schema: ReturnType<typeof parseDescriptorSet>,
  name: string,
  seen = new Set<string>(),
): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  assert.ok(schema.messages.has(name) || schema.enums.has(name), `${name} is not among the files`);
  for (const { type } of schema.messages.get(name)?.fields ?? []) {
    if (type.kind !== "scalar") assertComplete(schema, type.name, seen);
  }
  return seen;
}
