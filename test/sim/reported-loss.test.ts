import assert from "node:assert/strict";
import { test } from "node:test";
import type { PathId } from "@edgebos/tunnel";
import type { LinkOptions } from "./link.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

const PORT = 9;
const START_AT = 3e6;
const STOP_AT = 9e6;
const LOOK_EVERY_US = 100_000;
const CELLULAR: LinkOptions = { rateMbit: 40, delayMs: 30, jitterMs: 5, queueMs: 100 };
const WIFI: LinkOptions = { rateMbit: 60, delayMs: 10, queueMs: 100 };

test("a link whose queue overflows as its capacity is sought is not said to lose packets", () => {
  const { mostPpm, overflow } = overload({ ...CELLULAR, queueMs: 50 });
  assert.ok(overflow > 100, `${overflow} packets`);
  assert.ok(mostPpm < 10_000, `${mostPpm} ppm`);
});

test("a link that loses 6 % is said to", () => {
  const { mostPpm } = overload({ ...CELLULAR, lossPct: 6 });
  assert.ok(mostPpm > 50_000, `${mostPpm} ppm`);
});

/** Sends more than such a link and another one carry, at once. Returns the most loss that was reported of it, and what its queue did not take. */
function overload(options: LinkOptions): { readonly mostPpm: number; readonly overflow: number } {
  const world = new World({ seed: 1, links: [options, WIFI].map((link) => ({ up: link, down: link })) });
  const flow = { port: PORT, rateMbit: 120, packetBytes: 1_300, startAt: START_AT, stopAt: STOP_AT };
  world.add(new UdpFlow(world.client, flow));
  let mostPpm = 0;
  for (let at = START_AT; at < STOP_AT; at += LOOK_EVERY_US) {
    world.runUntil(at);
    mostPpm = Math.max(mostPpm, world.client.bond.pathStats(0 as PathId).lossPpm);
  }
  return { mostPpm, overflow: world.up[0]!.overflowPackets };
}
