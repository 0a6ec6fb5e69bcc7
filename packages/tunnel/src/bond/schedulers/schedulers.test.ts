import assert from "node:assert/strict";
import { test } from "node:test";
import { Path } from "../../path/path.ts";
import type { SentSink } from "../../path/sent-ledger.ts";
import { micros, pathId } from "../../test-support.ts";
import type { Slot } from "../../types.ts";
import { SlotRing } from "../slot-ring.ts";
import { AdaptiveChooser, leadOf } from "./adaptive.ts";
import { LatencyBasedChooser } from "./latency-based.ts";
import { type Backlog, chooseUrgent } from "./path-chooser.ts";
import { RoundRobinChooser } from "./round-robin.ts";
import { WeightedChooser } from "./weighted.ts";

const NOW = micros(1e6);
const MBIT = 1 / 8;
const SINK: SentSink = { delivered: () => {}, lost: () => {}, restored: () => {}, forget: () => {} };

test("the head of the queue goes to the path over which it arrives first", () => {
  const [fast, slow] = [createPath(0, 10_000, 50), createPath(1, 40_000, 50)];
  const chooser = new AdaptiveChooser();
  assert.equal(chooser.choose([slow, fast], backlog(1), undefined, NOW), fast);
  assert.equal(chooser.position, 0);
});

test("a small backlog waits for the quick path's turn", () => {
  const [fast, slow] = [createPath(0, 10_000, 50), createPath(1, 40_000, 50)];
  occupy(fast);
  assert.equal(new AdaptiveChooser().choose([fast, slow], backlog(20), undefined, NOW), undefined);
});

test("a slow path takes a packet from as far back as the quick one will have got", () => {
  const [fast, slow] = [createPath(0, 10_000, 50), createPath(1, 40_000, 50)];
  occupy(fast);
  const chooser = new AdaptiveChooser();
  const lead = leadOf([fast, slow], slow);
  assert.ok(Math.abs(lead - 30_000 * 50 * MBIT) < 10_000, `lead ${lead}`);
  assert.equal(chooser.choose([fast, slow], backlog(400), undefined, NOW), slow);
  assert.ok(chooser.position >= Math.floor(lead / 1_450));
});

test("a slow path of high capacity is not left idle beside a backlog shorter than its share", () => {
  const [fast, slow] = [createPath(0, 10_000, 1), createPath(1, 500_000, 60)];
  occupy(fast);
  const chooser = new AdaptiveChooser();
  assert.equal(chooser.choose([fast, slow], backlog(400), undefined, NOW), slow);
  assert.ok(chooser.position * 1_450 <= leadOf([fast, slow], slow));
});

test("a big flow lends its queue earlier, and small packets count with their headers", () => {
  const [fast, slow] = [createPath(0, 10_000, 50), createPath(1, 40_000, 50)];
  occupy(fast);
  const chooser = new AdaptiveChooser();
  assert.equal(chooser.choose([fast, slow], backlog(80), undefined, NOW), undefined);
  assert.equal(chooser.choose([fast, slow], { ...backlog(80), isBig: true }, undefined, NOW), slow);
  assert.equal(chooser.choose([fast, slow], { ...backlog(400), bytes: 400 * 60 }, undefined, NOW), undefined);
  assert.equal(chooser.choose([fast, slow], { ...backlog(4_000), bytes: 4_000 * 60 }, undefined, NOW), slow);
});

test("a run goes on over its path as long as that costs next to nothing", () => {
  const [one, other] = [createPath(0, 10_000, 50), createPath(1, 10_300, 50)];
  const chooser = new AdaptiveChooser();
  assert.equal(chooser.choose([one, other], backlog(100), other, NOW), other);
  assert.equal(chooser.choose([one, other], backlog(100), undefined, NOW), one);
});

test("round robin takes every ready path in turn", () => {
  const paths = [0, 1, 2].map((id) => createPath(id, 10_000, 50));
  const chooser = new RoundRobinChooser();
  const ids = Array.from({ length: 6 }, () => chooser.choose(paths, backlog(1), undefined, NOW)?.id);
  assert.deepEqual(ids, [0, 1, 2, 0, 1, 2]);
});

test("weights share the bytes", () => {
  const paths = [createPath(0, 10_000, 50), createPath(1, 10_000, 50)];
  paths[0]!.applyPlan({ enabled: true, role: "primary", weight: 3, rateLimitBps: 0 });
  const chooser = new WeightedChooser();
  const counts = [0, 0];
  for (let i = 0; i < 4_000; i++) {
    const path = chooser.choose(paths, backlog(1), undefined, NOW)!;
    path.weightedBytes += 1_000 / path.plan.weight;
    counts[path.id]!++;
  }
  assert.ok(Math.abs(counts[0]! / counts[1]! - 3) < 0.1, `${counts}`);
});

test("the lowest round trip goes first, the others take what it cannot", () => {
  const [fast, slow] = [createPath(0, 10_000, 50), createPath(1, 40_000, 50)];
  const chooser = new LatencyBasedChooser();
  assert.equal(chooser.choose([slow, fast], backlog(1), undefined, NOW), fast);
  occupy(fast);
  assert.equal(chooser.choose([slow, fast], backlog(1), undefined, NOW), slow);
});

test("an urgent packet takes the quickest path even if its turn has not come", () => {
  const [fast, slow] = [createPath(0, 10_000, 50), createPath(1, 40_000, 50)];
  occupy(fast);
  assert.equal(chooseUrgent([slow, fast], NOW), fast);
});

test("only a big flow feeds the probe of a path, all others take the quickest one", () => {
  const [probing, quick] = [createPath(0, 14_000, 50), createPath(1, 10_000, 50)];
  probing.congestion.cycle.mode = "probe-up";
  assert.equal(chooseUrgent([probing, quick], NOW), quick);
  const chooser = new AdaptiveChooser();
  assert.equal(chooser.choose([probing, quick], backlog(7), undefined, NOW), quick);
  assert.equal(chooser.choose([probing, quick], { ...backlog(7), isBig: true }, undefined, NOW), probing);
});

test("a big flow whose host waits anyway gives a slow path what the quick one leaves over", () => {
  const [quick, slow] = [createPath(0, 10_000, 50), createPath(1, 60_000, 50)];
  occupy(quick);
  const chooser = new AdaptiveChooser();
  const big = { ...backlog(40), isBig: true };
  assert.equal(chooser.choose([quick, slow], big, undefined, NOW), undefined);
  assert.equal(chooser.choose([quick, slow], { ...big, floorUs: 40_000 }, undefined, NOW), undefined);
  assert.equal(chooser.choose([quick, slow], { ...big, floorUs: 80_000 }, undefined, NOW), slow);
});

test("a flow without a floor gives little to a path that is behind only by its queue", () => {
  const [best, queued] = [createPath(0, 12_000, 50), createPath(1, 10_000, 50)];
  occupy(best);
  queued.sent.inFlightBytes = 44_000 * 50 * MBIT;
  assert.ok(queued.isReady(NOW));
  const chooser = new AdaptiveChooser();
  assert.equal(chooser.choose([best, queued], { ...backlog(10), isBig: true }, undefined, NOW), undefined);
});

/** A path that is up, with a one-way delay in µs and a known rate. */
function createPath(id: number, delayUs: number, rateMbit: number): Path {
  const options = { name: `path${id}`, maxDatagramBytes: 1_472 };
  const path = new Path(pathId(id), id as Slot, 0, options, micros(0));
  path.rtt.sample(2 * delayUs, micros(1));
  path.oneWay.sample(delayUs, 0, 1);
  path.congestion.hint((rateMbit * MBIT) / 0.97, true, micros(1));
  path.pacer.reset(micros(NOW - 100));
  return path;
}

/** Sends until the path's quantum is used up: its turn comes in a moment. */
function occupy(path: Path): void {
  while (path.isReady(NOW)) path.record(1_500, -1, 3, true, SINK, NOW);
}

function backlog(packets: number): Backlog {
  const queue = new SlotRing();
  for (let i = 0; i < packets; i++) queue.push(i as Slot);
  return { queue, bytes: packets * 1_450, share: 1, isBig: false, floorUs: 0 };
}
