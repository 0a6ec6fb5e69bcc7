import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { World } from "./world.ts";

const FLOW_AT = 2e6;
const FALL_AT = 8e6;
const END_AT = 11e6;

test("a flow does not stand still because a link that falls from 5 to 0.1 Mbit/s has the packets that it waits for", () => {
  const { world, flow } = createFlow();
  world.at(FALL_AT, (now) => world.up[1]!.change({ rateMbit: 0.1 }, now));
  world.runUntil(FALL_AT);
  const before = flow.deliveredBytes;
  world.runUntil(END_AT);
  const mbit = ((flow.deliveredBytes - before) * 8) / (END_AT - FALL_AT);
  const { longestUs } = flow.receiver.pauses;
  assert.ok(mbit > 15, `${mbit} Mbit/s`);
  assert.ok(longestUs < 300_000, `nothing for ${longestUs} µs`);
});

function createFlow(): { readonly world: World; readonly flow: TcpFlow } {
  const links = [link(20), link(5)];
  const world = new World({ seed: 1, links: links.map((options) => ({ up: options, down: options })) });
  const flow = new TcpFlow(world.client, world.server, {
    port: 40_001,
    congestion: "cubic",
    startAt: FLOW_AT,
    stopAt: END_AT,
  });
  world.server.onInner = (view, offset, length, now) => flow.receiveAtReceiver(view, offset, length, now);
  world.client.onInner = (view, offset, length, now) => flow.receiveAtSender(view, offset, length, now);
  world.add(flow);
  return { world, flow };
}

function link(rateMbit: number): LinkOptions {
  return { rateMbit, delayMs: 20, queueMs: 300 };
}
