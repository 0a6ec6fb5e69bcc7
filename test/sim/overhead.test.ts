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
  const before = sentBytes([world.client, world.server], LINKS.length);
  world.runUntil(END_AT);
  const after = sentBytes([world.client, world.server], LINKS.length);
  const share = (after.probes - before.probes) / (after.total - before.total);
  assert.ok(share <= 0.01, `${(100 * share).toFixed(2)} %`);
});

const LOSSY_LINK: LinkOptions = { rateMbit: 50, delayMs: 20, queueMs: 100, lossPct: 2 };
for (const [name, links] of [
  ["two links", [LOSSY_LINK, LOSSY_LINK]],
  ["three unequal links", LINKS.map((options) => ({ ...options, lossPct: 2 }))],
] as const) {
  for (const direction of ["upload", "download"] as const) {
    test(`acks are at most two per cent of what both ends send for one ${direction} over ${name} that lose two per cent`, () => {
      const world = new World({ seed: 1, links: links.map((options) => ({ up: options, down: options })) });
      const ends = [world.client, world.server] as const;
      const [sender, receiver] = direction === "upload" ? ends : [ends[1], ends[0]];
      const flow = new TcpFlow(sender, receiver, { port: 40_001, congestion: "cubic", startAt: 2e6, stopAt: 8e6 });
      sender.onInner = (view, offset, length, now) => flow.receiveAtSender(view, offset, length, now);
      receiver.onInner = (view, offset, length, now) => flow.receiveAtReceiver(view, offset, length, now);
      world.add(flow);
      world.runUntil(8e6);
      const { acks, total } = sentBytes(ends, links.length);
      assert.ok(acks <= 0.02 * total, `${((100 * acks) / total).toFixed(2)} %`);
    });
  }
}

function sentBytes(ends: readonly Endpoint[], paths: number): { total: number; acks: number; probes: number } {
  const sum = { total: 0, acks: 0, probes: 0 };
  for (const { bond } of ends) {
    for (let path = 0; path < paths; path++) {
      const { txBytes, txAckBytes, txProbeBytes } = bond.pathStats(path as PathId);
      sum.total += txBytes;
      sum.acks += txAckBytes;
      sum.probes += txProbeBytes;
    }
  }
  return sum;
}
