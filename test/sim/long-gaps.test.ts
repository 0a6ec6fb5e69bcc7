import assert from "node:assert/strict";
import { test } from "node:test";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

/** A client's pool (services/dataplane). */
const SLOTS = 32_768;
/** More packets arrive within the two round trips of a repair than the receiver has room for. */
const LINK = { rateMbit: 400, delayMs: 200, queueMs: 100, lossPct: 1 };

test("where gaps last longer than the receiver's memory, packets are lost only in the sender's queue", () => {
  const world = new World({ seed: 1, slots: SLOTS, links: [{ up: LINK, down: LINK }] });
  const flow = new UdpFlow(world.client, { port: 5_000, rateMbit: 320, packetBytes: 1_000, startAt: 2e6, stopAt: 4e6 });
  world.server.onInner = (view, offset, length, now) => flow.receive(view, offset, length, now);
  world.add(flow);
  world.runUntil(10e6);
  const { skippedGaps, drops } = world.server.bond.stats();
  assert.deepEqual({ skippedGaps, noBuffer: drops["no-buffer"] }, { skippedGaps: 0, noBuffer: 0 });
  assert.equal(flow.receivedPackets + world.client.bond.stats().queueDrops, flow.sentPackets);
  assert.ok(flow.receivedPackets > SLOTS, `${flow.receivedPackets} packets`);
});
