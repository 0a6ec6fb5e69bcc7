import assert from "node:assert/strict";
import { test } from "node:test";
import type { BondPlan, Micros } from "@edgebos/tunnel";
import type { LinkOptions } from "./link.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

const DSCP_EF = 46;
/** The quicker link's one-way delay, and what a call's receiver can wait for a packet beyond it. */
const BEST_MS = 20;
const SPARE_MS = 15;
/** Loss has to be seen before it is answered. */
const WARM_UP_PACKETS = 500;
const PACKETS = 10_000;
/** Of the packets that are late without error correction, at most this share is late with it. */
const LATE_MAX = 0.2;

const RANDOM = { lossPct: 2 };
/** About 2 % too, in bursts of five packets on average, of which three quarters are lost. */
const BURSTS = { burstLoss: { toBad: 0.0055, toGood: 0.2, lossInBad: 0.75 } };

for (const [name, loss, share] of [
  ["2 % random loss on both links", RANDOM, 0.999],
  ["losses in bursts on both links", BURSTS, 0.997],
] as const) {
  test(`a call under ${name} hears ${100 * share} % in time with error correction, and all of it`, (t) => {
    const without = call(links(loss), false);
    const protectedCall = call(links(loss), true);
    t.diagnostic(`without: ${textOf(without)}`);
    t.diagnostic(`with:    ${textOf(protectedCall)}`);
    t.diagnostic(`bytes sent: ${(protectedCall.wireBytes / without.wireBytes).toFixed(2)} times as many`);
    assert.equal(protectedCall.lost, 0);
    assert.ok(protectedCall.inTime >= share, textOf(protectedCall));
    assert.ok(1 - protectedCall.inTime < LATE_MAX * (1 - without.inTime), textOf(without));
    assert.ok(protectedCall.wireBytes < 2.5 * without.wireBytes);
  });
}

test("a call over links that lose nothing costs no byte more with error correction", () => {
  const without = call(links({}), false);
  const idle = call(links({}), true);
  assert.equal(idle.parity, 0);
  assert.equal(idle.wireBytes, without.wireBytes);
  assert.equal(idle.inTime, 1);
});

test("a call over a single lossy link is helped too", (t) => {
  const without = call(links(RANDOM).slice(0, 1), false);
  const single = call(links(RANDOM).slice(0, 1), true);
  t.diagnostic(`without: ${textOf(without)}; with: ${textOf(single)}`);
  assert.equal(single.lost, 0);
  assert.ok(single.inTime >= 0.998, textOf(single));
  assert.ok(1 - single.inTime < LATE_MAX * (1 - without.inTime), textOf(without));
});

interface CallResult {
  /** Share of packets that came within the time that the call can wait. */
  readonly inTime: number;
  readonly lost: number;
  /** All that the client sent, on all links. */
  readonly wireBytes: number;
  readonly parity: number;
  readonly recovered: number;
}

/** 50 packets of 200 bytes per second, up. */
function call(options: readonly LinkOptions[], fec: boolean): CallResult {
  const world = new World({ seed: 11, slots: 1_024, links: options.map((link) => ({ up: link, down: link })) });
  const plan: BondPlan = { algorithm: "adaptive", fec, paths: new Map() };
  for (const { bond } of [world.client, world.server]) bond.applyPlan(plan, 0 as Micros);
  const flow = new UdpFlow(world.client, {
    port: 5_060,
    rateMbit: 0.08,
    packetBytes: 200,
    dscp: DSCP_EF,
    startAt: 2e6,
    stopAt: 2e6 + (WARM_UP_PACKETS + PACKETS) * 20_000,
  });
  world.server.onInner = (view, offset, length, now) => flow.receive(view, offset, length, now);
  world.add(flow);
  world.runUntil(flow.options.stopAt + 3e6);
  const delays = flow.delaysUs.slice(WARM_UP_PACKETS);
  return {
    inTime: delays.filter((delayUs) => delayUs <= (BEST_MS + SPARE_MS) * 1_000).length / delays.length,
    lost: flow.sentPackets - flow.receivedPackets,
    wireBytes: world.up.reduce((sum, link) => sum + link.offeredBytes, 0),
    parity: world.client.bond.stats().parityPackets,
    recovered: world.server.bond.stats().recoveredPackets,
  };
}

function links(loss: Partial<LinkOptions>): LinkOptions[] {
  return [
    { rateMbit: 60, delayMs: BEST_MS, queueMs: 100, ...loss },
    { rateMbit: 40, delayMs: BEST_MS + 5, queueMs: 100, ...loss },
  ];
}

function textOf({ inTime, lost, wireBytes, parity, recovered }: CallResult): string {
  const percent = (100 * inTime).toFixed(2);
  return `${percent} % in time, ${lost} lost, ${wireBytes} bytes, ${parity} parity, ${recovered} recovered`;
}
