import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { BUCKETS, CURRENT, internal, link, management, plan, subjects, telemetry } from "@edgebos/proto";
import { type Bus, openBus } from "@edgebos/service";
import { freePort, PrivateNats, until } from "@edgebos/service/private-nats";
import { sampleEvent, sampleLink, samplePath, samplePlan, sampleTelemetry, sampleYaml } from "./fixtures/samples.ts";

const MAIN = join(import.meta.dirname, "main.ts");

describe("the api service with a real nats-server", { skip: PrivateNats.missing }, () => {
  const directory = mkdtempSync(join(tmpdir(), "edgebos-api-main-"));
  const file = join(directory, "config.yaml");
  const published: internal.ConfigurationDocument[] = [];
  const events: telemetry.Event[] = [];
  let nats: PrivateNats;
  let bus: Bus;
  let url: string;
  let service: ChildProcess;
  let exited: Promise<number | null>;
  before(async () => {
    nats = await PrivateNats.start();
    const [http, grpc] = [await freePort(), await freePort()];
    url = `http://127.0.0.1:${http}`;
    const listen = `listen: {nats: "127.0.0.1:${nats.port}", http: "127.0.0.1:${http}", grpc: "127.0.0.1:${grpc}"}`;
    writeFileSync(file, sampleYaml("client", `${listen}\nstate_dir: ${directory}/state\nlog: {format: json}\n`));
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    bus = openBus({ name: "test", url: nats.url, token: () => nats.token, log });
    bus.watch(BUCKETS.configuration, internal.ConfigurationDocument, (key, value) => {
      if (key === CURRENT && value !== undefined) published.push(value);
    });
    bus.subscribe(subjects("gate-1").allEvents, telemetry.Event, (event) => events.push(event));
    await until(() => bus.connected);
    const env = { ...process.env, EDGEBOS_NATS_TOKEN: nats.token };
    service = spawn(process.execPath, [MAIN, "--config", file], { env, stdio: ["ignore", "inherit", "inherit"] });
    exited = new Promise((resolve) => service.once("exit", resolve));
    await until(async () => (await healthz(url)) === 200);
  });
  after(async () => {
    service.kill("SIGKILL");
    await bus.close();
    await nats.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  test("shows what the others say on the bus", async () => {
    bus.put(BUCKETS.links, "wlan0", link.Link, sampleLink("wlan0"));
    bus.put(BUCKETS.plan, CURRENT, plan.ForwardingPlan, samplePlan("wlan0"));
    const say = () =>
      bus.publish(subjects("gate-1").pathTelemetry, telemetry.PathTelemetry, sampleTelemetry([samplePath("wlan0")]));
    await until(async () => {
      say();
      const { links } = management.LinkList.fromJSON(await json(`${url}/api/v1/links`));
      return links.some((status) => status.link && status.path && status.plan);
    });
    const status = management.Status.fromJSON(await json(`${url}/api/v1/status`));
    assert.equal(status.summary, "Connected to bond.example.net:8443 over 1 of 1 link.");
    await until(async () => {
      say();
      return /edgebos_ready\{[^}]*\} 1/.test(await (await fetch(`${url}/metrics`)).text());
    });
  });

  test("publishes the file's configuration, and each change of it", async () => {
    await until(() => published.length > 0);
    assert.match(published[0]!.yaml, /algorithm: adaptive/);
    const response = await fetch(`${url}/api/v1/configuration`, {
      method: "PATCH",
      headers: { "content-type": "application/merge-patch+json" },
      body: JSON.stringify({ bonding: { algorithm: "weighted" } }),
    });
    const body = (await response.json()) as management.UpdateConfigurationResponse;
    assert.equal(response.status, 200);
    await until(() => published.at(-1)?.revision === body.configuration?.revision);
    assert.match(published.at(-1)!.yaml, /algorithm: weighted/);
    await until(() =>
      events.some(({ code, text }) => code === "configuration-changed" && /bonding\.algorithm/.test(text)),
    );
  });

  test("takes up what an editor writes into the file, and says why not if it is wrong", async () => {
    const good = readFileSync(file, "utf8");
    writeFileSync(file, good.replace("weighted", "fastest"));
    await until(() =>
      events.some(({ code, text }) => code === "configuration-file-invalid" && /bonding\.algorithm/.test(text)),
    );
    writeFileSync(file, good.replace("weighted", "round-robin"));
    await until(() => /algorithm: round-robin/.test(published.at(-1)?.yaml ?? ""));
  });

  test("goes on without NATS, and writes its configuration again into one that came back empty", async () => {
    await nats.kill();
    await until(async () => (await healthz(url)) === 503);
    assert.equal((await fetch(`${url}/api/v1/links`)).status, 200);
    const before = published.length;
    await nats.startAgain();
    await until(() => published.length > before);
    assert.match(published.at(-1)!.yaml, /algorithm: round-robin/);
    bus.publish(subjects("gate-1").event("linkmon"), telemetry.Event, sampleEvent("after the return"));
    await until(async () => (await healthz(url)) === 200);
  });

  test("stops cleanly on SIGTERM, also with a watch open", async () => {
    const watch = await fetch(`${url}/api/v1/watch`);
    service.kill("SIGTERM");
    assert.equal(await exited, 0);
    await watch.body?.cancel().catch(() => {});
    assert.equal(existsSync(join(directory, "state/run/api.sock")), false);
  });
});

async function healthz(url: string): Promise<number> {
  return await fetch(`${url}/healthz`).then(
    (response) => response.status,
    () => 0,
  );
}

async function json(url: string): Promise<unknown> {
  return await (await fetch(url)).json();
}
