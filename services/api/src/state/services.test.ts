import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { internal } from "@edgebos/proto";
import { type Config, serviceSocket } from "@edgebos/service";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { sampleConfig, samplePath, sampleTelemetry } from "../fixtures/samples.ts";
import { Services } from "./services.ts";

const SELF = { name: "api", healthy: true, detail: "", pid: 9, startedMs: 0, rssBytes: 0 };

describe("the other services", () => {
  let directory: string;
  let config: Config;
  let services: Services;
  let running: Server[];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "edgebos-services-"));
    config = sampleConfig("client", `state_dir: ${directory}`);
    services = new Services(config, () => SELF);
    running = [];
  });
  afterEach(() => {
    services.close();
    for (const server of running) server.forceShutdown();
    rmSync(directory, { recursive: true, force: true });
  });
  const run = async (getInfo: () => internal.Info | undefined) => {
    const server = dataplane(getInfo);
    running.push(server);
    await listen(server, serviceSocket(config, "dataplane"));
    return server;
  };

  test("are listed in the order of their start, those that do not answer included", async () => {
    await run(() => info(42));
    const statuses = await services.statuses(0);
    assert.deepEqual(
      statuses.map(({ name, pid, detail }) => [name, pid, detail]),
      [
        ["linkmon", 0, "does not answer"],
        ["dataplane", 42, "fine"],
        ["scheduler", 0, "does not answer"],
        ["api", 9, ""],
      ],
    );
  });

  test("give their telemetry", async () => {
    await run(() => info(42));
    assert.deepEqual(await services.telemetry(), sampleTelemetry([samplePath("wlan0")]));
    assert.equal(await services.links(), undefined);
  });

  test("are not asked again within a second", async () => {
    let asked = 0;
    await run(() => info(++asked));
    await services.statuses(0);
    await services.statuses(999);
    assert.equal(asked, 1);
    await services.statuses(1000);
    assert.equal(asked, 2);
  });

  test("that hang count as silent", async () => {
    await run(() => undefined);
    assert.equal((await services.statuses(0))[1]?.detail, "does not answer");
  });
});

function info(pid: number): internal.Info {
  return { name: "dataplane", version: "1", pid, startedMs: 1, healthy: true, detail: "fine", rssBytes: 5 };
}

/** A dataplane that answers what it is told to; undefined = never. */
function dataplane(getInfo: () => internal.Info | undefined): Server {
  const server = new Server();
  const implementation: internal.ServiceInfoServer = {
    getInfo: (_call, callback) => {
      const answer = getInfo();
      if (answer !== undefined) callback(null, answer);
    },
  };
  const telemetry: internal.DataplaneServer = {
    getTelemetry: (_call, callback) => callback(null, sampleTelemetry([samplePath("wlan0")])),
  };
  server.addService(internal.ServiceInfoService, { ...implementation });
  server.addService(internal.DataplaneService, { ...telemetry });
  return server;
}

async function listen(server: Server, socket: string): Promise<void> {
  mkdirSync(dirname(socket), { recursive: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
}
