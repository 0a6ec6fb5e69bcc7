import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { Health } from "./health.ts";
import { Metrics } from "./metrics.ts";
import { serveObservation } from "./observe.ts";

describe("the HTTP port of a service", () => {
  const metrics = new Metrics({ service: "sample" });
  const health = new Health();
  let server: Awaited<ReturnType<typeof serveObservation>>;
  let url: string;
  before(async () => {
    metrics.counter("edgebos_sample_total", "A sample").inc(3);
    server = await serveObservation({ host: "127.0.0.1", port: 0 }, "listen.metrics.sample", metrics, health);
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  test("gives the metrics in Prometheus' format", async () => {
    const response = await fetch(`${url}/metrics?name=x`);
    assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
    assert.match(await response.text(), /edgebos_sample_total\{service="sample"\} 3/);
  });

  test("says by status and text whether the service is healthy", async () => {
    health.set("bus", true, "connected");
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    health.set("bus", false, "no connection");
    const response = await fetch(`${url}/healthz`);
    const report = (await response.json()) as { healthy: boolean; detail: string };
    assert.deepEqual([response.status, report.healthy, report.detail], [503, false, "bus: no connection"]);
  });

  test("answers HEAD without a body, and refuses other methods and paths", async () => {
    const head = await fetch(`${url}/healthz`, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text()], [503, ""]);
    assert.equal((await fetch(`${url}/metrics`, { method: "POST", body: "x" })).status, 405);
    assert.equal((await fetch(`${url}/`)).status, 404);
  });

  test("takes a request that comes in pieces, and refuses one without an end", async () => {
    assert.match(await raw(["GET /heal", "thz HTTP/1.1\r\nhost: a\r\n", "\r\n"]), /^HTTP\/1\.1 503 /);
    assert.match(await raw(["GET / HTTP/1.1\r\n", "x".repeat(20_000)]), /^HTTP\/1\.1 431 /);
  });

  async function raw(pieces: string[]): Promise<string> {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.setNoDelay(true).setEncoding("latin1");
    let text = "";
    socket.on("data", (piece: string) => {
      text += piece;
    });
    for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve));
    await once(socket, "close");
    return text;
  }
});
