import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { createUpload } from "./upload.ts";

const FLOW_AT = 2e6;
const FALL_AT = 8e6;
const END_AT = 11e6;

test("a flow does not stand still because a link that falls from 5 to 0.1 Mbit/s has the packets that it waits for", () => {
  const { world, flow } = createUpload([link(20), link(5)], FLOW_AT, END_AT);
  world.at(FALL_AT, (now) => world.up[1]!.change({ rateMbit: 0.1 }, now));
  world.runUntil(FALL_AT);
  const before = flow.deliveredBytes;
  world.runUntil(END_AT);
  const mbit = ((flow.deliveredBytes - before) * 8) / (END_AT - FALL_AT);
  const { longestUs } = flow.receiver.pauses;
  assert.ok(mbit > 15, `${mbit} Mbit/s`);
  assert.ok(longestUs < 300_000, `nothing for ${longestUs} µs`);
});

function link(rateMbit: number): LinkOptions {
  return { rateMbit, delayMs: 20, queueMs: 300 };
}
