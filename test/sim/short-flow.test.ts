import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { World } from "./world.ts";

const START_US = 3e6;
const REQUEST_US = 8e6;
const FETCHES = 9;
const FETCH_EVERY_US = 170_000;

test("connect and 10 kB on an idle bond take at most 5 ms more than over the best link alone", () => {
  assertQuick(5, undefined, "same");
});

for (const background of ["cubic", "bbr"] as const) {
  test(`connect and 10 kB beside a saturating ${background} flow take at most 15 ms more than over the best link alone`, () => {
    assertQuick(15, background, "same");
  });

  // Its acks fill next to nothing of any link.
  test(`connect and 10 kB beside the acks of a saturating ${background} flow take at most 3 ms more than over the best link alone`, () => {
    assertQuick(3, background, "other");
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

/** Several fetches of which the median counts. `way`: the saturating flow's, seen from what is fetched. */
function assertQuick(allowanceMs: number, background: "cubic" | "bbr" | undefined, way: "same" | "other"): void {
  const alone = fetchMs([link(60, 10)], undefined, way);
  const bonded = fetchMs([link(60, 10), link(40, 30), link(20, 60)], background, way);
  assert.ok(bonded <= alone + allowanceMs, `${bonded.toFixed(1)} ms, alone ${alone.toFixed(1)} ms`);
}

function fetchMs(
  links: readonly LinkOptions[],
  background: "cubic" | "bbr" | undefined,
  way: "same" | "other",
): number {
  const world = new World({ seed: 7, links: links.map((options) => ({ up: options, down: options })) });
  const fetches = Array.from({ length: FETCHES }, (_, number) => {
    const startAt = REQUEST_US + number * FETCH_EVERY_US;
    const options = {
      port: 40_100 + number,
      congestion: "cubic",
      startAt,
      stopAt: startAt + 2e6,
      totalBytes: 10_000,
    } as const;
    return { startAt, flow: new TcpFlow(world.client, world.server, options) };
  });
  const short = fetches.map(({ flow }) => flow);
  const stopAt = REQUEST_US + FETCHES * FETCH_EVERY_US + 2e6;
  const [sender, receiver] = way === "same" ? [world.client, world.server] : [world.server, world.client];
  const options = { port: 40_001, congestion: background ?? "cubic", startAt: START_US, stopAt } as const;
  const long = background === undefined ? [] : [new TcpFlow(sender, receiver, options)];
  connect(world, way === "same" ? [...short, ...long] : short, way === "same" ? [] : long);
  world.runUntil(stopAt);
  const timesMs = fetches.map(({ startAt, flow }) => (flow.completedAt - startAt) / 1_000);
  assert.ok(
    timesMs.every((ms) => ms > 0),
    "every transfer ends",
  );
  return timesMs.toSorted((a, b) => a - b)[FETCHES >> 1]!;
}

/** `downloads` are sent by the server. */
function connect(world: World, uploads: readonly TcpFlow[], downloads: readonly TcpFlow[] = []): void {
  const route = (sent: readonly TcpFlow[], received: readonly TcpFlow[]): typeof world.client.onInner => {
    return (view, offset, length, now) => {
      const arriving = received.find(({ port }) => port === view.getUint16(offset + 20));
      const acked = sent.find(({ port }) => port === view.getUint16(offset + 22));
      if (arriving !== undefined) arriving.receiveAtReceiver(view, offset, length, now);
      else acked!.receiveAtSender(view, offset, length, now);
    };
  };
  world.server.onInner = route(downloads, uploads);
  world.client.onInner = route(uploads, downloads);
  for (const flow of [...uploads, ...downloads]) world.add(flow);
}

function link(rateMbit: number, delayMs: number): LinkOptions {
  return { rateMbit, delayMs, queueMs: 100 };
}
