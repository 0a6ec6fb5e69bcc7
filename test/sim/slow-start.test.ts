import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { World } from "./world.ts";

const LINK: LinkOptions = { rateMbit: 50, delayMs: 20, jitterMs: 20, queueMs: 100 };
const FLOW_AT = 3e6;
const END_AT = 5e6;
/** With the first of them HyStart ended slow start at 34 packets when the acks of the second flight passed unshaped. */
const SEEDS = [1, 2, 3, 4];

/** With them a path had found only 21, 43 and 30 of its 50 Mbit/s by then, while start-up took an idle round trip for that of a loaded path. */
const LOW_SEEDS = [17, 20, 27];

test("CUBIC does not leave slow start in the second flight over two links with jitter", () => {
  for (const seed of SEEDS) {
    const { world, flow } = createFlow(seed);
    world.runUntil(END_AT);
    assert.ok(flow.congestion.windowPackets > 300, `seed ${seed}: ${flow.congestion.exitReason}`);
  }
});

test("a second into a flow it is known what links with jitter carry, however low their trains read", () => {
  for (const seed of LOW_SEEDS) {
    const { world } = createFlow(seed);
    world.runUntil(FLOW_AT + 1e6);
    for (const id of world.client.bond.pathIds()) {
      const mbit = world.client.bond.pathStats(id).capacityBps / 1e6;
      assert.ok(mbit > 0.9 * LINK.rateMbit, `seed ${seed}, path ${id}: ${mbit} Mbit/s`);
    }
  }
});

function createFlow(seed: number): { world: World; flow: TcpFlow } {
  const world = new World({ seed, links: [LINK, LINK].map((options) => ({ up: options, down: options })) });
  const flow = new TcpFlow(world.client, world.server, {
    port: 40_001,
    congestion: "cubic",
    startAt: FLOW_AT,
    stopAt: END_AT,
    windowBytes: 3_000_000,
    isWindowFixed: true,
  });
  world.server.onInner = (view, offset, length, now) => flow.receiveAtReceiver(view, offset, length, now);
  world.client.onInner = (view, offset, length, now) => flow.receiveAtSender(view, offset, length, now);
  world.add(flow);
  return { world, flow };
}
