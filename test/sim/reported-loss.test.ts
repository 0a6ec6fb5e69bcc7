import assert from "node:assert/strict";
import { test } from "node:test";
import type { PathId } from "@edgebos/tunnel";
import type { LinkOptions } from "./link.ts";
import { createUpload } from "./upload.ts";

const START_AT = 3e6;
const STOP_AT = 9e6;
const LOOK_EVERY_US = 100_000;
const CELLULAR: LinkOptions = { rateMbit: 40, delayMs: 30, jitterMs: 5, queueMs: 100 };
const WIFI: LinkOptions = { rateMbit: 60, delayMs: 10, queueMs: 100 };

test("a link whose queue overflows as its capacity is sought is not said to lose packets", () => {
  const { mostPpm, overflow } = upload({ ...CELLULAR, queueMs: 50 });
  assert.ok(overflow > 100, `${overflow} packets`);
  assert.ok(mostPpm < 10_000, `${mostPpm} ppm`);
});

test("a link that loses 6 % is said to", () => {
  const { mostPpm } = upload({ ...CELLULAR, lossPct: 6 });
  assert.ok(mostPpm > 50_000, `${mostPpm} ppm`);
});

/** Uploads over such a link and another one. Returns the most loss that was reported of it, and what its queue did not take. */
function upload(options: LinkOptions): { readonly mostPpm: number; readonly overflow: number } {
  const { world } = createUpload([options, WIFI], START_AT, STOP_AT);
  let mostPpm = 0;
  for (let at = START_AT; at < STOP_AT; at += LOOK_EVERY_US) {
    world.runUntil(at);
    mostPpm = Math.max(mostPpm, world.client.bond.pathStats(0 as PathId).lossPpm);
  }
  return { mostPpm, overflow: world.up[0]!.overflowPackets };
}
