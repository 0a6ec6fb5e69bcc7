import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_HISTORY, withSample } from "./history.ts";
import type { Path, Statistics } from "./model.ts";

test("a path that appears later has zeros before, and one that is gone has zeros after", () => {
  const first = withSample(NO_HISTORY, sample(1, ["a"]), false);
  const second = withSample(first, sample(2, ["b"]), false);
  assert.deepEqual(second.down.get("server/a"), [20, 0]);
  assert.deepEqual(second.down.get("server/b"), [0, 20]);
});

test("down is what a client receives and what a server sends", () => {
  assert.deepEqual(withSample(NO_HISTORY, sample(1, ["a"]), false).down.get("server/a"), [20]);
  assert.deepEqual(withSample(NO_HISTORY, sample(1, ["a"]), true).down.get("server/a"), [10]);
});

test("a sample that follows within an instant is left out, as its rates mean nothing", () => {
  const history = withSample(withSample(NO_HISTORY, sample(1, ["a"]), false), sample(1.02, ["a"]), false);
  assert.deepEqual(history.times, [1]);
});

test("the same sample twice counts once, and the length is bounded", () => {
  let history = withSample(withSample(NO_HISTORY, sample(1, ["a"]), false), sample(1, ["a"]), false);
  assert.equal(history.times.length, 1);
  for (let second = 2; second < 1000; second++) history = withSample(history, sample(second, ["a"]), false);
  assert.equal(history.times.at(-1), 999);
  assert.ok(history.times.length < 300);
  assert.equal(history.down.get("server/a")?.length, history.times.length);
});

function sample(second: number, links: readonly string[]): Statistics {
  const paths = links.map((link) => ({ peer: "server", link, txRateBps: 10, rxRateBps: 20 }) as Path);
  return { timeMs: second * 1000, paths, peers: [], txRateBps: 0, rxRateBps: 0 };
}
