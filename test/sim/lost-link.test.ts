import assert from "node:assert/strict";
import { test } from "node:test";
import type { PathId } from "@edgebos/tunnel";
import type { LinkOptions } from "./link.ts";
import { UdpFlow } from "./udp-flow.ts";
import { createUpload } from "./upload.ts";
import { World } from "./world.ts";

const FLOW_AT = 2e6;
const CUT_AT = 6e6;
const RETURN_AT = 9e6;
const END_AT = 11e6;
/** The share of a returned link is its mean over this long. */
const SHARE_WINDOW_US = 250_000;
const TICK_US = 50_000;
const LINKS = [link(60, 10), link(40, 30), link(20, 60)];

for (const [victim, name] of ["60 Mbit/s, 20 ms", "40 Mbit/s, 60 ms", "20 Mbit/s, 120 ms"].entries()) {
  test(`a saturating TCP flow pauses for at most 100 ms and sends nothing again when the link of ${name} swallows all`, () => {
    const { world, flow } = createUpload(LINKS, FLOW_AT, END_AT);
    world.at(CUT_AT, () => setCut(world, victim, true));
    world.runUntil(CUT_AT);
    const before = flow.retransmittedPackets;
    world.runUntil(RETURN_AT);
    assert.equal(flow.retransmittedPackets, before);
    const { longestUs } = flow.receiver.pauses;
    assert.ok(longestUs < 100_000, `nothing for ${longestUs} µs`);
    const stalled = world.client.events.flatMap((event) => (event.kind === "path-stalled" ? [event.path] : []));
    assert.deepEqual(stalled, [victim]);
  });

  test(`the link of ${name} carries its share a second after its return`, () => {
    const { world } = createUpload(LINKS, FLOW_AT, END_AT);
    const link = world.up[victim]!;
    world.runUntil(CUT_AT - 1e6);
    const servedBytes = link.servedBytes;
    world.runUntil(CUT_AT);
    const shareBytes = ((link.servedBytes - servedBytes) * SHARE_WINDOW_US) / 1e6;
    setCut(world, victim, true);
    world.runUntil(RETURN_AT);
    setCut(world, victim, false);
    const backUs = timeUntilServed(world, victim, 0.9 * shareBytes);
    assert.ok(backUs <= 1e6, `${backUs} µs`);
  });
}

test("a link of an idle bond that was away for nine seconds counts as one that loses nothing as soon as it is back", () => {
  const world = new World({ seed: 1, links: LINKS.map((options) => ({ up: options, down: options })) });
  world.at(2e6, () => setCut(world, 2, true));
  world.at(11e6, () => setCut(world, 2, false));
  world.runUntil(10e6);
  assert.equal(world.client.bond.pathStats(2 as PathId).state, "stalled");
  world.runUntil(12e6);
  for (const { bond } of [world.client, world.server]) {
    const { state, lossPpm } = bond.pathStats(2 as PathId);
    assert.deepEqual({ state, lossPpm }, { state: "up", lossPpm: 0 });
  }
});

test("acks take the quick link again after its pause, although the news of the pause comes over the slow one when it is long over", () => {
  const links = [link(300, 8), link(30, 40)];
  const world = new World({ seed: 1, links: links.map((options) => ({ up: options, down: options })) });
  world.add(new UdpFlow(world.client, { port: 9, rateMbit: 20, packetBytes: 1_000, startAt: 2e6, stopAt: 5e6 }));
  const [quick] = world.up;
  world.at(3e6, (now) => quick!.change({ delayMs: 50 }, now));
  world.at(3e6 + 20_000, (now) => quick!.change({ delayMs: 8 }, now));
  world.runUntil(3.5e6);
  const stalled = world.client.events.filter((event) => event.kind === "path-stalled");
  assert.equal(stalled.length, 1);
  const before = world.down.map(({ deliveredPackets }) => deliveredPackets);
  world.runUntil(4.5e6);
  const acks = world.down.map(({ deliveredPackets }, index) => deliveredPackets - before[index]!);
  assert.ok(acks[1]! < acks[0]! / 10, `${acks[1]} datagrams over the slow link, ${acks[0]} over the quick one`);
});

function setCut(world: World, index: number, isCut: boolean): void {
  world.up[index]!.isCut = isCut;
  world.down[index]!.isCut = isCut;
}

/** From now until a link has served so much within a window; Infinity if that does not happen. */
function timeUntilServed(world: World, index: number, windowBytes: number): number {
  const startAt = world.now;
  const served: number[] = [world.up[index]!.servedBytes];
  while (world.now < END_AT) {
    world.runUntil(world.now + TICK_US);
    served.push(world.up[index]!.servedBytes);
    const earlier = served.at(-1 - SHARE_WINDOW_US / TICK_US);
    if (earlier !== undefined && served.at(-1)! - earlier >= windowBytes) return world.now - startAt;
  }
  return Number.POSITIVE_INFINITY;
}

function link(rateMbit: number, delayMs: number): LinkOptions {
  return { rateMbit, delayMs, queueMs: 100 };
}
