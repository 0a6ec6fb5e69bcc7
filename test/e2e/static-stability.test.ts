/**
 * What dies beside the dataplane costs no packet; the dataplane itself costs at most two seconds and no connection. Full
 * topology: test/lab/topology.ts.
 *
 *   client ─┬─ link0  30 Mbit/s, RTT 20 ms ─┬─ server ── internet host
 *           └─ link1  20 Mbit/s, RTT 40 ms ─┘
 *
 *   counted UDP: client → internet host, and server → the client's inner address; a TCP download beside it
 */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { INTERNET_HOST } from "../lab/plan.ts";
import { type DownloadResult, download, startHttpServer } from "../lab/traffic/http.ts";
import { ping } from "../lab/traffic/ping.ts";
import { type UdpFlowResult, udpFlow } from "../lab/traffic/udp.ts";
import { type BondLab, createBondLab } from "./support/bond-lab.ts";
import { watchLosses } from "./support/losses.ts";
import type { PartName } from "./support/processes.ts";
import type { ProductNode } from "./support/product-node.ts";
import { scenario } from "./support/scenario.ts";
import { timed, until } from "./support/wait.ts";

const LINKS = [
  { mbit: 30, delayMs: 10 },
  { mbit: 20, delayMs: 20 },
];
const FILE_MB = 60;
const BESIDE: readonly PartName[] = ["linkmon", "scheduler", "api", "nats-server"];

/** From the death of a dataplane to the next packet that passes. */
const RESUME_LIMIT_MS = 2000;

scenario("static stability", ["ping"], ({ before, after, measure }) => {
  let bond: BondLab;

  before(async () => {
    bond = await createBondLab({ prefix: "e2estab", links: LINKS });
    await startHttpServer(bond.lab.internet, FILE_MB, true);
  });
  after(() => bond?.destroy());

  for (const role of ["client", "server"] as const) {
    measure(
      `killing linkmon, scheduler, api and nats-server of the ${role} loses no packet in either direction`,
      async (t) => {
        const traffic = await startTraffic(bond, BESIDE.length * KILL_PAUSE_S + 1);
        for (const part of BESIDE) {
          const [back] = await Promise.all([killAndAwait(bond[role], part), delay(KILL_PAUSE_S * 1000)]);
          t.diagnostic(`${part} is back after ${back.toFixed(0)} ms`);
        }
        await assertNothingLost(traffic, t);
        await bond[role].whenReady();
      },
    );
  }

  measure("everything beside the dataplane is killed at once, on each end: no packet is lost", async (t) => {
    const traffic = await startTraffic(bond, 4);
    for (const node of [bond.client, bond.server]) {
      for (const part of BESIDE) kill(node, part);
      await delay(KILL_PAUSE_S * 1000);
    }
    await assertNothingLost(traffic, t);
    await Promise.all([bond.client.whenReady(), bond.server.whenReady()]);
  });

  for (const role of ["client", "server"] as const) {
    measure(
      `killing the dataplane of the ${role}: traffic again within ${RESUME_LIMIT_MS} ms, and an established TCP connection survives`,
      async (t) => {
        const [traffic, running] = await Promise.all([startTraffic(bond, 6), startDownload(bond)]);
        await killAndAwait(bond[role], "dataplane");
        const flows = Object.entries(await traffic.flows);
        const result = await running.result;
        for (const [direction, flow] of flows) {
          t.diagnostic(
            `${direction}: longest gap ${flow.longestGapMs.toFixed(0)} ms, lost ${flow.lost} of ${flow.sent}`,
          );
        }
        t.diagnostic(`download: longest gap ${result.longestGapMs.toFixed(0)} ms of ${result.elapsedMs.toFixed(0)} ms`);
        for (const [direction, flow] of flows) {
          assert.ok(flow.longestGapMs < RESUME_LIMIT_MS, `${direction}: nothing arrived for ${flow.longestGapMs} ms`);
          assert.ok(flow.packets > flow.sent / 2, `${direction}: traffic came back for good`);
        }
        assert.equal(result.sha256, "matches");
        await bond[role].whenReady();
      },
    );
  }

  measure("a dataplane that starts while nats-server is down works with the links and the plan it had", async () => {
    const natsDown = keepDown(bond.client, "nats-server");
    try {
      await killAndAwait(bond.client, "dataplane");
      assert.ok(await answersWithin(bond, RESUME_LIMIT_MS), `nothing passed for ${RESUME_LIMIT_MS} ms`);
      assert.equal((await upwards(bond, 2)).lost, 0);
    } finally {
      await natsDown.stop();
    }
    await bond.client.whenReady();
  });
});

const KILL_PAUSE_S = 1.5;
const RESTART_LIMIT_MS = 10_000;
/** About six seconds over both links: the connection is busy when the dataplane dies, and long after. */
const DOWNLOAD_BYTES = 30e6;
/** The receivers wait long enough to see every gap. */
const FLOW = { packetsPerSecond: 300, payloadBytes: 600, idleMs: 5000 };
const UNDER_WAY_MS = 500;

interface Traffic {
  readonly losses: () => Promise<string>;
  /** Resolves when both flows have ended. */
  readonly flows: Promise<{ readonly up: UdpFlowResult; readonly down: UdpFlowResult }>;
}

/** Counted UDP from the client to the internet host and from the server to the client. Resolves when both flow. */
async function startTraffic(bond: BondLab, seconds: number): Promise<Traffic> {
  const { peers } = await bond.server.status();
  const host = peers[0]?.innerV4;
  assert.ok(host, "the server knows the client's inner address");
  const losses = await watchLosses(bond);
  const upArrived = Promise.withResolvers<void>();
  const downArrived = Promise.withResolvers<void>();
  const fromServer = { fromNamespace: bond.lab.server, toNamespace: bond.lab.client.namespace, host };
  const flows = Promise.all([
    upwards(bond, seconds, upArrived.resolve),
    udpFlow({ ...fromServer, ...FLOW, seconds, port: 5302, onArrival: downArrived.resolve }),
  ]).then(([up, down]) => ({ up, down }));
  await Promise.race([Promise.all([upArrived.promise, downArrived.promise]), flows]);
  return { flows, losses };
}

function upwards(bond: BondLab, seconds: number, onArrival: () => void = () => {}): Promise<UdpFlowResult> {
  const fromTo = { fromNamespace: bond.lab.client.namespace, toNamespace: bond.lab.internet, host: INTERNET_HOST };
  return udpFlow({ ...fromTo, ...FLOW, seconds, port: 5301, onArrival });
}

async function assertNothingLost(traffic: Traffic, t: TestContext): Promise<void> {
  for (const [direction, flow] of Object.entries(await traffic.flows)) {
    t.diagnostic(`${direction}: ${flow.packets} of ${flow.sent}, longest gap ${flow.longestGapMs.toFixed(0)} ms`);
    assert.equal(flow.lost, 0, `${direction}: ${flow.lost} of ${flow.sent} lost; ${await traffic.losses()}`);
    assert.equal(flow.duplicates, 0, direction);
  }
}

/** A download that lasts some seconds. Resolves when it is under way. */
async function startDownload(bond: BondLab): Promise<{ readonly result: Promise<DownloadResult> }> {
  const underWay = Promise.withResolvers<void>();
  const result = download({
    namespace: bond.lab.client.namespace,
    host: INTERNET_HOST,
    bytes: DOWNLOAD_BYTES,
    onProgress: ({ elapsedMs }) => elapsedMs > UNDER_WAY_MS && underWay.resolve(),
  });
  await Promise.race([underWay.promise, result]);
  return { result };
}

/** Whether one of the echo requests that are sent in this time is answered. */
async function answersWithin(bond: BondLab, timeMs: number): Promise<boolean> {
  const request = { namespace: bond.lab.client.namespace, host: INTERNET_HOST, count: timeMs / 50, intervalMs: 50 };
  return (await ping(request)).rttsMs.length > 0;
}

function kill(node: ProductNode, part: PartName): number | undefined {
  const pid = node.parts().get(part);
  if (pid !== undefined) process.kill(pid, "SIGKILL");
  return pid;
}

/** Kills a part and waits until another process has taken its place. Returns how long that took, ms. */
async function killAndAwait(node: ProductNode, part: PartName): Promise<number> {
  const before = kill(node, part);
  assert.ok(before, `${part} was running`);
  return timed(() =>
    until(`${part} runs again`, RESTART_LIMIT_MS, () => {
      const pid = node.parts().get(part);
      return pid !== undefined && pid !== before;
    }),
  );
}

/** Kills a part as often as it comes back. */
function keepDown(node: ProductNode, part: PartName): { stop(): Promise<void> } {
  const timer = setInterval(() => kill(node, part), 20);
  return {
    stop: async () => {
      clearInterval(timer);
      await until(`${part} runs again`, RESTART_LIMIT_MS, () => node.parts().has(part));
    },
  };
}
