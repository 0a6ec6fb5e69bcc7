import assert from "node:assert/strict";
import { test } from "node:test";
import type { Micros } from "@edgebos/tunnel";
import { WakeModeration } from "./moderation.ts";

test("packets that come often and singly gather, a rare one never waits", () => {
  assert.equal(restAfter({ turns: 500, everyUs: 1_000, packets: 1 }), 0);
  assert.ok(restAfter({ turns: 500, everyUs: 100, packets: 1 }) > 0);
});

test("a turn that moves many packets is followed by the next at once", () => {
  assert.equal(restAfter({ turns: 500, everyUs: 100, packets: 20 }), 0);
});

test("a rest that something else interrupts goes on until its end", () => {
  const moderation = new WakeModeration();
  for (let turn = 1; turn <= 500; turn++) moderation.restUs(turn, (turn * 100) as Micros);
  const restUs = moderation.restUs(500, 50_030 as Micros);
  assert.ok(restUs > 0);
  assert.equal(moderation.restUs(500, (50_030 + restUs) as Micros), 0);
});

test("after a pause a packet waits no more", () => {
  const moderation = new WakeModeration();
  for (let turn = 1; turn <= 500; turn++) moderation.restUs(turn, (turn * 100) as Micros);
  assert.equal(moderation.restUs(501, 200_000 as Micros), 0);
});

/** The last answer after `turns` turns, one every `everyUs`, of `packets` packets each. */
function restAfter({ turns, everyUs, packets }: { turns: number; everyUs: number; packets: number }): number {
  const moderation = new WakeModeration();
  let restUs = 0;
  for (let turn = 1; turn <= turns; turn++) restUs = moderation.restUs(turn * packets, (turn * everyUs) as Micros);
  return restUs;
}
