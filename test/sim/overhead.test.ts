import assert from "node:assert/strict";
import { test } from "node:test";
import type { PathId } from "@edgebos/tunnel";
import type { Endpoint } from "./endpoint.ts";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { World } from "./world.ts";

const SETTLED_AT = 10e6;
const END_AT = 70e6;
const LINKS: readonly LinkOptions[] = [
  { rateMbit: 60, delayMs: 10, queueMs: 100 },
  { rateMbit: 40, delayMs: 30, queueMs: 100 },
  { rateMbit: 20, delayMs: 60, queueMs: 100 },
];

test("a bond of three links that is never idle at 1 Mbit/s spends at most one per cent of its bytes on probes", () => {
  const world = new World({ seed: 1, links: LINKS.map((options) => ({ up: options, down: options })) });
  const flow = new TcpFlow(world.server, world.client, {
    port: 40_001,
    congestion: "cubic",
    startAt: 2e6,
    stopAt: END_AT,
    writes: { bytes: 125_000, periodUs: 1e6 },
  });
  world.server.onInner = (view, offset, length, now) => flow.receiveAtSender(view, offset, length, now);
  world.client.onInner = (view, offset, length, now) => flow.receiveAtReceiver(view, offset, length, now);
  world.add(flow);
  world.runUntil(SETTLED_AT);
  const before = sentBytes([world.client, world.server]);
  world.runUntil(END_AT);
  const after = sentBytes([world.client, world.server]);
  const share = (after.probes - before.probes) / (after.total - before.total);
  assert.ok(share <= 0.01, `${(100 * share).toFixed(2)} %`);
});

function sentBytes(ends: readonly Endpoint[]): { total: number; probes: number } {
  const sum = { total: 0, probes: 0 };
  for (const { bond } of ends) {
    for (const path of LINKS.keys()) {
      const { txBytes, txProbeBytes } = bond.pathStats(path as PathId);
      sum.total += txBytes;
      sum.probes += txProbeBytes;
    }
  }
  return sum;
}
