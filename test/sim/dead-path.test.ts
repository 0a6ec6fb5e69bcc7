import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

const BIG_PORT = 40_001;
const UDP_PORT = 5_000;
const CUT_AT = 8e6;
/** By when it dies differs which packets it had, and which are left at the head of the download's queue. */
const CUT_STEPS_US = [0, 55_000, 110_000, 165_000, 220_000];

test("100 kB that are asked for when a link of 60 Mbit/s has died under a download take less than 0.8 s, although 3 Mbit/s are left and its repairs wait", () => {
  const longestMs = Math.max(...CUT_STEPS_US.map((stepUs) => fetchMs(CUT_AT + stepUs)));
  assert.ok(longestMs < 800, `${longestMs} ms`);
});

test("over what is left of a bond, each lane's packets go on in order, whether a dead path had them or has overtaken them", () => {
  const links = [
    { ...link(1.3, 10), lossPct: 2.3 },
    { ...link(58, 107), lossPct: 3 },
  ];
  const world = new World({ seed: 3, links: links.map((options) => ({ up: options, down: options })) });
  const flows = [20, 3].map((rateMbit, n) => {
    const startAt = 2e6 + n * 100_000;
    return new UdpFlow(world.client, { port: UDP_PORT + n, rateMbit, packetBytes: 1_400, startAt, stopAt: 12e6 });
  });
  world.server.onInner = (view, offset, length, now) =>
    flows[view.getUint16(offset + 22) - UDP_PORT]!.receive(view, offset, length, now);
  for (const flow of flows) world.add(flow);
  world.at(CUT_AT, () => {
    world.up[1]!.isCut = true;
    world.down[1]!.isCut = true;
  });
  world.runUntil(12e6);
  for (const { reorderedPackets, pauses } of flows) {
    assert.equal(reorderedPackets, 0);
    assert.ok(pauses.longestUs < 1_500_000, `nothing for ${pauses.longestUs} µs`);
  }
});

/** How long 100 kB take that are asked for 0.3 s after a link of 60 Mbit/s has died under a download, and 3 Mbit/s are left. */
function fetchMs(cutAt: number): number {
  const fetchAt = cutAt + 300_000;
  const links = [link(3, 30), link(60, 100)];
  const world = new World({ seed: 1, links: links.map((options) => ({ up: options, down: options })) });
  const shared = { congestion: "cubic", stopAt: fetchAt + 4e6 } as const;
  const big = new TcpFlow(world.server, world.client, { ...shared, port: BIG_PORT, startAt: 2e6 });
  const fetch = new TcpFlow(world.server, world.client, {
    ...shared,
    port: BIG_PORT + 1,
    startAt: fetchAt,
    totalBytes: 100_000,
  });
  world.client.onInner = (view, offset, length, now) =>
    (view.getUint16(offset + 20) === BIG_PORT ? big : fetch).receiveAtReceiver(view, offset, length, now);
  world.server.onInner = (view, offset, length, now) =>
    (view.getUint16(offset + 22) === BIG_PORT ? big : fetch).receiveAtSender(view, offset, length, now);
  world.add(big);
  world.add(fetch);
  world.at(cutAt, () => {
    world.up[1]!.isCut = true;
    world.down[1]!.isCut = true;
  });
  world.runUntil(fetchAt + 4e6);
  assert.ok(fetch.completedAt > 0, "the transfer ends");
  return (fetch.completedAt - fetchAt) / 1_000;
}

function link(rateMbit: number, delayMs: number): LinkOptions {
  return { rateMbit, delayMs, queueMs: 150 };
}
