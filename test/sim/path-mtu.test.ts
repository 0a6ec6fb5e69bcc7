import assert from "node:assert/strict";
import { test } from "node:test";
import type { PathId } from "@edgebos/tunnel";
import type { LinkOptions } from "./link.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

const SECOND_US = 1_000_000;
/** Inner packets as long as Ethernet has them: always longer than one datagram. */
const FULL_BYTES = 1_500;
/** Inner packets that fill a datagram of a link of 1,500 bytes. */
const WHOLE_BYTES = 1_436;

test("over a link of 1,400 bytes, of which no error message tells, a flow from the first moment on loses nothing", () => {
  const { world, flow } = createFlow([link(20, 20, 1_400)], WHOLE_BYTES, 5, 0.2);
  world.runUntil(8 * SECOND_US);
  assertWhole(world, flow);
  assert.equal(mtuOf(world, 0), 1_400);
  assert.ok(flow.pauses.longestUs < 200_000, `nothing for ${flow.pauses.longestUs} µs`);
});

test("an ordinary link is used in full from its first answer on", () => {
  const { world } = createFlow([link(20, 20)], FULL_BYTES, 10, 2);
  world.runUntil(0.06 * SECOND_US);
  assert.equal(mtuOf(world, 0), 1_500);
});

test("an MTU that falls in mid-flow on the only link costs no packet and a pause of few round trips", () => {
  const { world, flow } = createFlow([link(20, 20)], WHOLE_BYTES, 15, 1);
  world.at(3 * SECOND_US, (now) => world.up[0]!.change({ mtuBytes: 1_300 }, now));
  world.runUntil(9 * SECOND_US);
  assertWhole(world, flow);
  const mtuBytes = mtuOf(world, 0);
  assert.ok(mtuBytes <= 1_300 && mtuBytes > 1_284, `${mtuBytes} bytes are used`);
  assert.ok(flow.pauses.longestUs < 250_000, `nothing for ${flow.pauses.longestUs} µs`);
});

test("one narrow link of two carries its share in halves, and the other whole packets", () => {
  const { world, flow } = createFlow([link(20, 20), link(20, 20, 1_300)], FULL_BYTES, 24, 1);
  world.runUntil(9 * SECOND_US);
  assertWhole(world, flow);
  assert.deepEqual([mtuOf(world, 0), mtuOf(world, 1) <= 1_300], [1_500, true]);
  for (const up of world.up) assert.ok(up.deliveredPackets > 2_000, `a link carried ${up.deliveredPackets} datagrams`);
});

test("a narrow link that loses one packet in fifty is still found out, and a wide one stays wide", () => {
  const lossy = (mtuBytes?: number): LinkOptions => ({ ...link(20, 20, mtuBytes), lossPct: 2 });
  const { world, flow } = createFlow([lossy(1_400), lossy()], WHOLE_BYTES, 20, 1);
  world.runUntil(9 * SECOND_US);
  assertWhole(world, flow);
  assert.deepEqual([mtuOf(world, 0), mtuOf(world, 1)], [1_400, 1_500]);
});

test("a search costs less than one per cent of the bytes of half a minute, and its probes count as no loss", () => {
  const offeredBytes = [1_400, 1_500].map((mtuBytes) => {
    const { world, flow } = createFlow([link(20, 20, mtuBytes)], 1_000, 1, 1, 30);
    world.runUntil(32 * SECOND_US);
    assertWhole(world, flow);
    const { lostPackets, lossPpm, repairedPackets } = world.client.bond.pathStats(0 as PathId);
    assert.deepEqual([lostPackets, lossPpm, repairedPackets], [0, 0, 0]);
    return world.up[0]!.offeredBytes;
  });
  const share = offeredBytes[0]! / offeredBytes[1]! - 1;
  assert.ok(share > 0 && share < 0.01, `${(100 * share).toFixed(2)} % of the bytes`);
});

function link(rateMbit: number, delayMs: number, mtuBytes?: number): LinkOptions {
  return { rateMbit, delayMs, queueMs: 100, ...(mtuBytes === undefined ? {} : { mtuBytes }) };
}

function createFlow(
  links: readonly LinkOptions[],
  packetBytes: number,
  rateMbit: number,
  startS: number,
  stopS = 6,
): { world: World; flow: UdpFlow } {
  const world = new World({ seed: 1, links: links.map((options) => ({ up: options, down: options })) });
  const startAt = startS * SECOND_US;
  const flow = new UdpFlow(world.client, { port: 5_000, rateMbit, packetBytes, startAt, stopAt: stopS * SECOND_US });
  world.server.onInner = (view, offset, length, now) => flow.receive(view, offset, length, now);
  world.add(flow);
  return { world, flow };
}

function mtuOf(world: World, path: number): number {
  return world.client.bond.pathStats(path as PathId).mtuBytes;
}

function assertWhole(world: World, flow: UdpFlow): void {
  assert.equal(flow.receivedPackets, flow.sentPackets);
  assert.equal(flow.corruptPackets, 0);
  assert.equal(flow.reorderedPackets, 0);
  assert.equal(world.client.bond.stats().queueDrops, 0);
}
