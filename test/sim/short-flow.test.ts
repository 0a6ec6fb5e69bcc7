import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { World } from "./world.ts";

const START_US = 3e6;
const REQUEST_US = 8e6;

for (const background of [undefined, "cubic", "bbr"] as const) {
  const beside = background === undefined ? "on an idle bond" : `beside a saturating ${background} flow`;
  const allowanceMs = background === undefined ? 5 : 15;

  test(`connect and 10 kB ${beside} take at most ${allowanceMs} ms more than over the best link alone`, () => {
    const alone = fetchMs([link(60, 10)], undefined);
    const bonded = fetchMs([link(60, 10), link(40, 30), link(20, 60)], background);
    assert.ok(bonded <= alone + allowanceMs, `${bonded.toFixed(1)} ms, alone ${alone.toFixed(1)} ms`);
  });
}

test("a saturating flow over jittery links leaves no queue in them between two probes", () => {
  const jittery = { ...link(50, 20), jitterMs: 5 };
  const world = new World({ seed: 5, links: [jittery, jittery].map((options) => ({ up: options, down: options })) });
  const flow = new TcpFlow(world.client, world.server, {
    port: 40_001,
    congestion: "cubic",
    startAt: START_US,
    stopAt: 12e6,
  });
  connect(world, [flow]);
  const queuesMs: number[] = [];
  world.runUntil(7e6);
  world.every(5_000, 12e6, () => {
    for (const { queuedBytes, options } of world.up) queuesMs.push((queuedBytes * 8) / options.rateMbit / 1_000);
  });
  world.runUntil(12e6);
  const sorted = queuesMs.toSorted((a, b) => a - b);
  const medianMs = sorted[sorted.length >> 1]!;
  const p95Ms = sorted[Math.floor(sorted.length * 0.95)]!;
  assert.ok(medianMs < 8 && p95Ms < 25, `median ${medianMs.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms`);
  assert.ok(flow.deliveredBytes > 0);
});

test("the capacity is known within 10 % after five seconds, and a halving is followed within 500 ms", () => {
  const world = new World({ seed: 3, links: [{ up: link(40, 20), down: link(40, 20) }] });
  const flow = new TcpFlow(world.client, world.server, {
    port: 40_001,
    congestion: "cubic",
    startAt: 1e6,
    stopAt: 9e6,
  });
  connect(world, [flow]);
  const capacityMbit = (): number => world.client.bond.pathStats(world.client.bond.pathIds()[0]!).capacityBps / 1e6;
  world.runUntil(5e6);
  // Links count Ethernet headers too, the estimate counts IP packets.
  const ipShare = 1_500 / 1_514;
  assert.ok(Math.abs(capacityMbit() / (40 * ipShare) - 1) < 0.1, `${capacityMbit()} Mbit/s of 40`);
  world.up[0]!.change({ rateMbit: 20 }, world.now);
  world.runUntil(5.5e6);
  assert.ok(Math.abs(capacityMbit() / (20 * ipShare) - 1) < 0.15, `${capacityMbit()} Mbit/s of 20`);
});

function fetchMs(links: readonly LinkOptions[], background: "cubic" | "bbr" | undefined): number {
  const world = new World({ seed: 7, links: links.map((options) => ({ up: options, down: options })) });
  const request = new TcpFlow(world.client, world.server, {
    port: 40_100,
    congestion: "cubic",
    startAt: REQUEST_US,
    stopAt: REQUEST_US + 3e6,
    totalBytes: 10_000,
  });
  const flows = [request];
  if (background !== undefined) {
    const stopAt = REQUEST_US + 2e6;
    flows.push(
      new TcpFlow(world.client, world.server, { port: 40_001, congestion: background, startAt: START_US, stopAt }),
    );
  }
  connect(world, flows);
  world.runUntil(REQUEST_US + 2e6);
  assert.ok(request.completedAt > 0, "the transfer ends");
  return (request.completedAt - REQUEST_US) / 1_000;
}

function connect(world: World, flows: readonly TcpFlow[]): void {
  world.server.onInner = (view, offset, length, now) => {
    flows.find((flow) => flow.port === view.getUint16(offset + 20))!.receiveAtReceiver(view, offset, length, now);
  };
  world.client.onInner = (view, offset, length, now) => {
    flows.find((flow) => flow.port === view.getUint16(offset + 22))!.receiveAtSender(view, offset, length, now);
  };
  for (const flow of flows) world.add(flow);
}

function link(rateMbit: number, delayMs: number): LinkOptions {
  return { rateMbit, delayMs, queueMs: 100 };
}
