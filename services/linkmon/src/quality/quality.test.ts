import assert from "node:assert/strict";
import { test } from "node:test";
import { telemetry } from "@edgebos/proto";
import { differsVisibly, nextQuality } from "./quality.ts";

const SAMPLE = telemetry.PathSample.create({
  srttUs: 30_000,
  minRttUs: 20_000,
  rttvarUs: 2_000,
  capacityBps: 40e6,
  peerCapacityBps: 80e6,
  txRateBps: 10e6,
  rxRateBps: 20e6,
});

test("the first sample stands as it is", () => {
  const quality = nextQuality(undefined, { ...SAMPLE, lossPpm: 100, peerLossPpm: 300 }, 0);
  assert.deepEqual(quality, {
    rttUs: 30_000,
    minRttUs: 20_000,
    jitterUs: 2_000,
    lossPpm: 300,
    capacityUpBps: 40e6,
    capacityDownBps: 80e6,
    rateUpBps: 10e6,
    rateDownBps: 20e6,
    stability: 0,
  });
});

test("a burst of loss raises the average only in part, and is forgotten within some seconds", () => {
  let quality = nextQuality(undefined, { ...SAMPLE, lossPpm: 1000 }, 0);
  quality = nextQuality(quality, { ...SAMPLE, lossPpm: 200_000 }, 500);
  assert.ok(quality.lossPpm > 40_000 && quality.lossPpm < 50_000, String(quality.lossPpm));
  for (let i = 0; i < 20; i++) quality = nextQuality(quality, SAMPLE, 500);
  assert.ok(quality.lossPpm < 500, String(quality.lossPpm));
});

test("a step of the rate is followed by more than three quarters within a second", () => {
  let quality = nextQuality(undefined, SAMPLE, 0);
  quality = nextQuality(quality, { ...SAMPLE, txRateBps: 50e6 }, 500);
  quality = nextQuality(quality, { ...SAMPLE, txRateBps: 50e6 }, 500);
  assert.ok(quality.rateUpBps > 40e6 && quality.rateUpBps < 50e6, String(quality.rateUpBps));
});

test("a path that does not answer keeps its last RTT and capacity, and its rates fall", () => {
  const before = nextQuality(undefined, SAMPLE, 0);
  const after = nextQuality(before, telemetry.PathSample.create(), 5000);
  assert.equal(after.rttUs, before.rttUs);
  assert.equal(after.capacityDownBps, before.capacityDownBps);
  assert.ok(after.rateUpBps < 0.01 * before.rateUpBps);
});

test("a change of one per cent is not worth a message, one of five is", () => {
  const quality = nextQuality(undefined, SAMPLE, 0);
  assert.ok(!differsVisibly(quality, { ...quality, rttUs: quality.rttUs * 1.01 }));
  assert.ok(differsVisibly(quality, { ...quality, rttUs: quality.rttUs * 1.05 }));
  assert.ok(differsVisibly(quality, { ...quality, lossPpm: 1 }));
  assert.ok(differsVisibly(undefined, quality));
  assert.ok(!differsVisibly(undefined, undefined));
});
