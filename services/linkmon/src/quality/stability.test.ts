import assert from "node:assert/strict";
import { test } from "node:test";
import { recordTransition, STABILITY_WINDOW_MS, stability, type Transition } from "./stability.ts";

test("a link that was up for its whole short life is perfectly stable", () => {
  const history = recordTransition([], true, 1000);
  assert.equal(stability(history, 1000), 1);
  assert.equal(stability(history, 5000), 1);
});

test("stability is the share of the window in which the link was up", () => {
  let history = recordTransition([], true, 0);
  history = recordTransition(history, false, 60_000);
  history = recordTransition(history, true, 90_000);
  assert.equal(stability(history, 120_000), 0.75);
});

test("what lies before the window counts no longer", () => {
  let history = recordTransition([], false, 0);
  history = recordTransition(history, true, 60_000);
  assert.equal(stability(history, 60_000 + STABILITY_WINDOW_MS), 1);
  assert.ok(stability(history, STABILITY_WINDOW_MS) < 1);
});

test("the same state again adds nothing, and the history stays bounded", () => {
  const steady = recordTransition(recordTransition([], true, 0), true, 500);
  assert.equal(steady.length, 1);
  let flapping: readonly Transition[] = [];
  for (let i = 0; i < 5000; i++) flapping = recordTransition(flapping, i % 2 === 0, i * 100);
  assert.ok(flapping.length <= 600);
  assert.ok(Math.abs(stability(flapping, 500_000) - 0.5) < 0.01);
});

test("a link without history has no stability", () => {
  assert.equal(stability([], 1000), 0);
});
