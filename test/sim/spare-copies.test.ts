import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

const DELAY_MS = 20;
const SPARE_MS = 5;
const CLEAN: LinkOptions = { rateMbit: 50, delayMs: DELAY_MS, queueMs: 100 };
const LOSSY: LinkOptions = { ...CLEAN, lossPct: 2 };
/** Loss has to be seen before it is answered. */
const WARM_UP_PACKETS = 200;
const PACKETS = 10_000;
const INTERVAL_US = 100_000;
const PACKET_BYTES = 200;
const TRANSFER_AT_US = 6e6;

// Of 1,000 packets, 20 are lost, of which both copies of 0.4: no more than 1 waits for a repair.
test("a sparse flow over two links with 2 % loss hears 99.9 % in time, and all of it", () => {
  const { inTime, lost } = sparse([LOSSY, LOSSY]);
  assert.equal(lost, 0);
  assert.ok(inTime >= 0.999, `${100 * inTime} %`);
});

test("over a single link with 2 % loss the copy goes behind the packet", () => {
  const { inTime, lost } = sparse([LOSSY]);
  assert.equal(lost, 0);
  assert.ok(inTime >= 0.999, `${100 * inTime} %`);
});

test("links that lose nothing carry everything once", () => {
  assert.equal(sparse([CLEAN, CLEAN]).copies, 0);
});

test("100 kB over two links with 2 % loss take at most a tenth longer than over clean ones, in the median", () => {
  const clean = transferMs(CLEAN, 1);
  const lossy = Array.from({ length: 15 }, (_, seed) => transferMs(LOSSY, seed)).sort((a, b) => a - b);
  assert.ok(lossy[7]! <= 1.1 * clean, `${lossy.map(Math.round)} ms, clean ${clean} ms`);
});

/** Ten packets per second, up. */
function sparse(links: readonly LinkOptions[]): { inTime: number; lost: number; copies: number } {
  const world = new World({ seed: 11, links: links.map((link) => ({ up: link, down: link })) });
  const flow = new UdpFlow(world.client, {
    port: 9_000,
    rateMbit: (PACKET_BYTES * 8) / INTERVAL_US,
    packetBytes: PACKET_BYTES,
    startAt: 2e6,
    stopAt: 2e6 + (WARM_UP_PACKETS + PACKETS) * INTERVAL_US,
  });
  world.server.onInner = (view, offset, length, now) => flow.receive(view, offset, length, now);
  world.add(flow);
  world.runUntil(flow.options.stopAt + 3e6);
  const delays = flow.delaysUs.slice(WARM_UP_PACKETS);
  return {
    inTime: delays.filter((delayUs) => delayUs <= (DELAY_MS + SPARE_MS) * 1_000).length / delays.length,
    lost: flow.sentPackets - flow.receivedPackets,
    copies: world.client.bond.stats().copiedPackets,
  };
}

function transferMs(link: LinkOptions, seed: number): number {
  const world = new World({ seed, links: [link, link].map((options) => ({ up: options, down: options })) });
  const flow = new TcpFlow(world.client, world.server, {
    port: 40_100,
    congestion: "cubic",
    startAt: TRANSFER_AT_US,
    stopAt: TRANSFER_AT_US + 10e6,
    totalBytes: 100_000,
  });
  world.server.onInner = (view, offset, length, now) => flow.receiveAtReceiver(view, offset, length, now);
  world.client.onInner = (view, offset, length, now) => flow.receiveAtSender(view, offset, length, now);
  world.add(flow);
  world.runUntil(TRANSFER_AT_US + 10e6);
  assert.ok(flow.completedAt > 0, "the transfer ends");
  return (flow.completedAt - TRANSFER_AT_US) / 1_000;
}
