import type { Path } from "../../path/path.ts";
import type { Micros } from "../../types.ts";
import type { Backlog, PathChooser } from "./path-chooser.ts";

/** A path of mean weight that could not use its share may catch up with this much. */
const CATCH_UP_BYTES = 65_536;

/** Bytes in proportion to the plan's weights, among the paths that may send: start-time fair queueing with the paths as clients. */
export class WeightedChooser implements PathChooser {
  position = 0;
  /** Bytes per weight that the paths are entitled to; -1 = nothing was chosen yet. */
  #virtualBytes = -1;

  choose(paths: readonly Path[], _backlog: Backlog, current: Path | undefined, now: Micros): Path | undefined {
    if (this.#virtualBytes < 0) this.#begin(paths);
    const catchUpBytes = CATCH_UP_BYTES / meanWeight(paths);
    if (current?.isReady(now) && current.weightedBytes <= this.#virtualBytes + catchUpBytes) return current;
    let best: Path | undefined;
    for (const path of paths) {
      if (path.weightedBytes < this.#virtualBytes - catchUpBytes)
        path.weightedBytes = this.#virtualBytes - catchUpBytes;
      if (path.isReady(now) && (best === undefined || path.weightedBytes < best.weightedBytes)) best = path;
    }
    if (best !== undefined) this.#virtualBytes = Math.max(this.#virtualBytes, best.weightedBytes);
    return best;
  }

  /** What the paths carried under another algorithm gives none of them a claim. */
  #begin(paths: readonly Path[]): void {
    for (const path of paths) path.weightedBytes = 0;
    this.#virtualBytes = 0;
  }
}

function meanWeight(paths: readonly Path[]): number {
  let sum = 0;
  for (const path of paths) sum += path.plan.weight;
  return sum > 0 ? sum / paths.length : 1;
}
