import assert from "node:assert/strict";
import { test } from "node:test";
import { runScenario } from "./check.ts";
import type { LinkOptions } from "./link.ts";
import { createScenario } from "./scenario.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

const SEEDS = 25;
/** Seeds that once broke an invariant. */
const REGRESSIONS = [2, 7, 8, 11, 15, 29, 31, 40, 90, 100, 726, 894, 1_468, 1_857, 4_445, 9_577, 11_000, 14_544];

for (const seed of new Set([...REGRESSIONS, ...Array.from({ length: SEEDS }, (_, i) => 1_000 + i)])) {
  test(`all invariants hold in the random world of seed ${seed}`, () => {
    const outcome = runScenario(createScenario(seed));
    assert.deepEqual(outcome.violations, [], outcome.description);
  });
}

test("a seed reproduces its run exactly", () => {
  const run = (): unknown => {
    const scenario = createScenario(5);
    const outcome = runScenario(scenario);
    return { outcome, datagrams: scenario.world.client.datagrams, pause: outcome.longestPauseMs };
  };
  assert.deepEqual(run(), run());
});

test("a silent black hole costs a flow at most 100 ms and no packet", () => {
  const { world, flow } = createFlow([link(60, 10), link(40, 30), link(20, 60)], 80);
  world.at(4e6, () => {
    world.up[0]!.isCut = true;
    world.down[0]!.isCut = true;
  });
  // The flow ends at 6.5 s; what the two slower links still queue then is delivered in the seconds after.
  world.runUntil(9e6);
  assert.equal(flow.receivedPackets + world.client.bond.stats().queueDrops, flow.sentPackets);
  assert.ok(flow.pauses.longestUs < 100_000, `nothing for ${flow.pauses.longestUs} µs`);
});

test("three unequal links carry a flow of 90 % of their sum without loss and in order", () => {
  const { world, flow } = createFlow([link(60, 10), link(40, 30), link(20, 60)], 100);
  world.runUntil(7e6);
  assert.equal(flow.reorderedPackets, 0);
  assert.ok(flow.receivedPackets > 0.999 * flow.sentPackets);
});

function link(rateMbit: number, delayMs: number): LinkOptions {
  return { rateMbit, delayMs, queueMs: 100 };
}

function createFlow(links: readonly LinkOptions[], rateMbit: number): { world: World; flow: UdpFlow } {
  const world = new World({ seed: 1, links: links.map((options) => ({ up: options, down: options })) });
  const flow = new UdpFlow(world.client, { port: 5_000, rateMbit, packetBytes: 1_400, startAt: 2e6, stopAt: 6.5e6 });
  world.server.onInner = (view, offset, length, now) => flow.receive(view, offset, length, now);
  world.add(flow);
  return { world, flow };
}
