import assert from "node:assert/strict";
import { test } from "node:test";
import { Path } from "../path/path.ts";
import { micros, pathId } from "../test-support.ts";
import type { Slot } from "../types.ts";
import { PathSet } from "./path-set.ts";

const MBIT = 1 / 8;

test("near are the paths that a window of two quickest round trips can use", () => {
  const paths = new PathSet();
  const links = [
    [10_000, 60],
    [30_000, 40],
    [60_000, 20],
  ] as const;
  links.forEach(([delayUs, rateMbit], id) => {
    paths.add(createPath(id, delayUs, rateMbit));
  });
  paths.refresh();
  assert.equal(paths.quickestUs(), 20_000);
  assert.equal(paths.referenceUs(), 70_000);
  assert.ok(Math.abs(paths.nearShare() - 100 / 120) < 0.001);
});

test("without paths everything is near", () => {
  assert.equal(new PathSet().nearShare(), 1);
});

/** A path that is up, with a one-way delay in µs and a known rate. */
function createPath(id: number, delayUs: number, rateMbit: number): Path {
  const path = new Path(pathId(id), id as Slot, 0, { name: `path${id}`, maxDatagramBytes: 1_472 }, micros(0));
  path.rtt.sample(2 * delayUs, micros(1));
  path.oneWay.sample(delayUs, 0, 1);
  path.congestion.hint((rateMbit * MBIT) / 0.97, true, micros(1));
  path.life.state = { kind: "up", since: micros(0) };
  return path;
}
