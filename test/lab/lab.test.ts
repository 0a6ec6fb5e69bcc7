/**
 * The lab itself, on real TAP devices. Topology: see topology.ts; here with two links,
 * link0 40 Mbit/s and 10 ms one way, link1 20 Mbit/s and 30 ms one way.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { attempts } from "./attempts.ts";
import { SERVER_ADDRESS } from "./plan.ts";
import { run, start } from "./process.ts";
import { missingForLab } from "./requirements.ts";
import { knownPrefixes, removeLab, saveState } from "./state.ts";
import { createLab, type Lab } from "./topology.ts";
import { percentile } from "./traffic/figures.ts";
import { download, startHttpServer } from "./traffic/http.ts";
import { ping } from "./traffic/ping.ts";
import { udpFlow } from "./traffic/udp.ts";

const PREFIX = "labtest";
const LINKS = [
  { mbit: 40, delayMs: 10 },
  { mbit: 20, delayMs: 30 },
];

describe("the lab", { skip: missingForLab(["ping"]) ?? false }, () => {
  let lab: Lab;
  before(async () => {
    lab = await createLab({ prefix: PREFIX, links: LINKS });
  });
  after(() => lab.destroy());

  measured("delay is within 0.3 ms of what was asked, one way", async () => {
    for (const [i, link] of lab.client.links.entries()) {
      const result = await ping({ namespace: lab.client.namespace, host: link.gateway, count: 100, intervalMs: 20 });
      assert.equal(result.rttsMs.length, 100);
      const oneWayMs = percentile(result.rttsMs, QUIET_SHARE) / 2;
      const errorMs = Math.abs(oneWayMs - LINKS[i]!.delayMs);
      assert.ok(errorMs < 0.3, `${link.device}: ${oneWayMs} ms`);
    }
  });

  measured("rate is within 1 % of what was asked", async () => {
    const link = lab.client.links[0]!;
    const flow = udpFlow({
      fromNamespace: lab.client.namespace,
      toNamespace: lab.plan.access,
      host: link.gateway,
      packetsPerSecond: 5000,
      payloadBytes: 1400,
      seconds: 4,
      receiveBufferBytes: 4_000_000,
    });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const before = await bytesOut(lab);
    const startMs = performance.now();
    await new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
    const mbit = ((await bytesOut(lab)) - before) / (125 * (performance.now() - startMs));
    assert.ok(Math.abs(mbit - 40) < 0.4, `${mbit} Mbit/s`);
    const { lost } = await flow;
    assert.ok(lost > 0, "more was sent than the link carries");
  });

  test("a cut link answers nothing and keeps its carrier; it works again afterwards", async () => {
    const link = lab.client.links[1]!;
    const request = { namespace: lab.client.namespace, host: link.gateway, count: 3, intervalMs: 20 };
    await lab.cut(link, true);
    assert.equal((await ping(request)).rttsMs.length, 0);
    assert.match(await run(["ip", "-n", lab.client.namespace, "link", "show", link.device]), /LOWER_UP/);
    await lab.cut(link, false);
    assert.equal((await ping(request)).rttsMs.length, 3);
  });

  test("carrier off is seen by the client", async () => {
    const link = lab.client.links[1]!;
    await lab.setCarrier(lab.client, link, false);
    assert.match(await run(["ip", "-n", lab.client.namespace, "link", "show", link.device]), /NO-CARRIER/);
    await lab.setCarrier(lab.client, link, true);
  });

  test("an unplugged link is gone from the client and works when it is plugged in again", async () => {
    const link = lab.client.links[1]!;
    await lab.unplug(lab.client, link);
    assert.doesNotMatch(await run(["ip", "-n", lab.client.namespace, "link"]), new RegExp(link.device));
    await lab.plug(lab.client, link);
    const again = await ping({ namespace: lab.client.namespace, host: link.gateway, count: 10, intervalMs: 200 });
    assert.ok(again.rttsMs.length > 0);
  });

  test("the server and the internet host are reached over IPv4 and IPv6", async () => {
    for (const host of [SERVER_ADDRESS, "2001:db8:113::1", "198.51.100.2", "2001:db8:100::2"]) {
      const result = await ping({ namespace: lab.client.namespace, host, count: 2, intervalMs: 100 });
      assert.equal(result.rttsMs.length, 2, host);
    }
  });

  test("a download is checked by its SHA-256", async () => {
    const server = await startHttpServer(lab.internet, 4);
    const result = await download({ namespace: lab.client.namespace, host: "198.51.100.2" });
    await server.stop();
    assert.equal(result.bytes, 4 * 1024 * 1024);
    assert.equal(result.sha256, "matches");
  });

  test("a second lab stands beside it, and goes with all that it made", async () => {
    const other = await createLab({ prefix: "labtesto", links: [{ mbit: 0, delayMs: 0 }], unshaped: true });
    const result = await ping({ namespace: other.client.namespace, host: SERVER_ADDRESS, count: 2, intervalMs: 100 });
    assert.equal(result.rttsMs.length, 2);
    await other.destroy();
    assert.doesNotMatch(await run(["ip", "netns", "list"]), /labtesto-/);
    assert.ok(!knownPrefixes().includes("labtesto"));
    assert.match(await run(["ip", "netns", "list"]), new RegExp(`${PREFIX}-c`));
  });
});

test("a lab that another process uses is left alone", { skip: missingForLab() ?? false }, async (t) => {
  const other = start(["sleep", "60"], {});
  t.after(async () => {
    await other.stop();
    await removeLab("labtestx");
  });
  const startTicks = Number(readFileSync(`/proc/${other.pid}/stat`, "utf8").split(" ")[21]);
  saveState({ prefix: "labtestx", namespaces: [], owner: { pid: other.pid, startTicks } });
  await assert.rejects(createLab({ prefix: "labtestx", links: [] }), /in use by process/);
  assert.ok(knownPrefixes().includes("labtestx"));
});

/** A share of the pings is late because a shared machine wakes its processors late; the emulator's error is in the quiet part. */
const QUIET_SHARE = 0.25;
const SETTLE_MS = 1000;
const MEASURE_MS = 2500;

async function bytesOut(lab: Lab): Promise<number> {
  return (await lab.counters())[0]!.up.bytesOut;
}

function measured(name: string, body: () => Promise<void>): void {
  test(name, (t) => attempts(t, body));
}
