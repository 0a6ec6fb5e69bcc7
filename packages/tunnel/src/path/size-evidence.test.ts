import assert from "node:assert/strict";
import { test } from "node:test";
import { SizeEvidence } from "./size-evidence.ts";

const LARGE = 1_500;
const SMALL = 60;
const MS = 1_000;
const ROUND_TRIP_US = 4 * MS;

test("large packets lost while a small one passes are a black hole from the third on", () => {
  const evidence = new SizeEvidence();
  for (let n = 1; n <= 2; n++) evidence.lost(n, LARGE, n * MS);
  evidence.acked(10, SMALL);
  assert.equal(evidence.isBlackHole(ROUND_TRIP_US), false);
  evidence.lost(3, LARGE, 3 * MS);
  assert.equal(evidence.isBlackHole(ROUND_TRIP_US), true);
});

test("a burst of losses among large packets is none", () => {
  const evidence = new SizeEvidence();
  evidence.acked(20, LARGE);
  for (let n = 10; n < 19; n++) evidence.lost(n, LARGE, n * MS);
  assert.equal(evidence.isBlackHole(ROUND_TRIP_US), false);
});

test("a burst that met a full queue, in which a small packet found room, is none", () => {
  const evidence = new SizeEvidence();
  for (let n = 1; n <= 40; n++) evidence.lost(n, LARGE, MS);
  evidence.acked(41, SMALL);
  assert.equal(evidence.isBlackHole(ROUND_TRIP_US), false);
  evidence.lost(50, LARGE, 3 * MS);
  assert.equal(evidence.isBlackHole(ROUND_TRIP_US), true);
});

test("a large packet that passes takes the suspicion away", () => {
  const evidence = new SizeEvidence();
  for (let n = 1; n <= 9; n++) evidence.lost(n, LARGE, n * MS);
  evidence.acked(11, LARGE);
  evidence.acked(12, SMALL);
  assert.equal(evidence.isBlackHole(ROUND_TRIP_US), false);
});

test("an outage, which takes small packets too, is none", () => {
  const evidence = new SizeEvidence();
  for (let n = 1; n <= 9; n++) evidence.lost(n, LARGE, n * MS);
  evidence.acked(12, SMALL);
  evidence.lost(10, SMALL, 10 * MS);
  assert.equal(evidence.isBlackHole(ROUND_TRIP_US), false);
});

test("packets of a middle size that pass do not hide that larger ones vanish", () => {
  const evidence = new SizeEvidence();
  for (let n = 1; n <= 9; n += 2) {
    evidence.lost(n, LARGE, n * MS);
    evidence.acked(n + 1, 1_300);
  }
  assert.equal(evidence.isBlackHole(ROUND_TRIP_US), true);
});
