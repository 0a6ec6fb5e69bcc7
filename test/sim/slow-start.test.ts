import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { World } from "./world.ts";

const FLOW_AT = 3e6;
const END_AT = 5e6;
/** With the first of them HyStart ended slow start at 34 packets when the acks of the second flight passed unshaped. */
const SEEDS = [1, 2, 3, 4];

test("CUBIC does not leave slow start in the second flight over two links with jitter", () => {
  const link: LinkOptions = { rateMbit: 50, delayMs: 20, jitterMs: 20, queueMs: 100 };
  for (const seed of SEEDS) {
    const world = new World({ seed, links: [link, link].map((options) => ({ up: options, down: options })) });
    const flow = new TcpFlow(world.client, world.server, {
      port: 40_001,
      congestion: "cubic",
      startAt: FLOW_AT,
      stopAt: END_AT,
      windowBytes: 3_000_000,
    });
    world.server.onInner = (view, offset, length, now) => flow.receiveAtReceiver(view, offset, length, now);
    world.client.onInner = (view, offset, length, now) => flow.receiveAtSender(view, offset, length, now);
    world.add(flow);
    world.runUntil(END_AT);
    assert.ok(flow.congestion.windowPackets > 300, `seed ${seed}: ${flow.congestion.exitReason}`);
  }
});
