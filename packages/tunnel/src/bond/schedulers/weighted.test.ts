import assert from "node:assert/strict";
import { test } from "node:test";
import type { Path } from "../../path/path.ts";
import { micros } from "../../test-support.ts";
import type { Backlog } from "./path-chooser.ts";
import { WeightedChooser } from "./weighted.ts";

const PACKET_BYTES = 1400;
const NO_BACKLOG = { bytes: 0, share: 0 } as Backlog;

test("bytes follow the weights from the beginning, whatever unit the weights have", () => {
  for (const scale of [0.01, 1, 1e6]) {
    const paths = [4, 6, 2].map((weight) => fakePath(weight * scale));
    const sent = send(new WeightedChooser(), paths, 1200);
    assert.ok(Math.abs(sent[0]! - 400) <= 50, `${sent}`);
    assert.ok(Math.abs(sent[1]! - 600) <= 50, `${sent}`);
    assert.ok(Math.abs(sent[2]! - 200) <= 50, `${sent}`);
  }
});

test("what the paths carried before the algorithm was chosen does not count", () => {
  const paths = [fakePath(1, 1e9), fakePath(1, 0)];
  const sent = send(new WeightedChooser(), paths, 1000);
  assert.ok(Math.abs(sent[0]! - sent[1]!) <= 100, `${sent}`);
});

test("a path that could not send catches up with a bounded amount", () => {
  const chooser = new WeightedChooser();
  const paths = [fakePath(1), fakePath(1)];
  paths[1]!.ready = false;
  send(chooser, paths, 1000);
  paths[1]!.ready = true;
  const sent = send(chooser, paths, 1000);
  assert.ok(sent[1]! > 500 && sent[1]! < 650, `${sent}`);
});

interface FakePath {
  ready: boolean;
  weightedBytes: number;
  readonly plan: { readonly weight: number };
  isReady(): boolean;
}

function fakePath(weight: number, weightedBytes = 0): FakePath {
  return {
    ready: true,
    weightedBytes,
    plan: { weight },
    isReady() {
      return this.ready;
    },
  };
}

/** Packets per path. */
function send(chooser: WeightedChooser, paths: readonly FakePath[], packets: number): number[] {
  const sent = paths.map(() => 0);
  for (let i = 0; i < packets; i++) {
    const path = chooser.choose(paths as unknown as Path[], NO_BACKLOG, undefined, micros(i)) as unknown as FakePath;
    path.weightedBytes += PACKET_BYTES / path.plan.weight;
    sent[paths.indexOf(path)]!++;
  }
  return sent;
}
