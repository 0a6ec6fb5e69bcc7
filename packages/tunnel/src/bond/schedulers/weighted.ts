import type { Path } from "../../path/path.ts";
import type { Micros } from "../../types.ts";
import type { Backlog, PathChooser } from "./path-chooser.ts";

/** A path that could not use its share may catch up with this much, bytes at weight 1. */
const CATCH_UP_BYTES = 65_536;

/** Bytes in proportion to the plan's weights, among the paths that may send: start-time fair queueing with the paths as clients. */
export class WeightedChooser implements PathChooser {
  position = 0;
  #virtualBytes = 0;

  choose(paths: readonly Path[], _backlog: Backlog, current: Path | undefined, now: Micros): Path | undefined {
    if (current?.isReady(now) && current.weightedBytes <= this.#virtualBytes + CATCH_UP_BYTES) return current;
    let best: Path | undefined;
    for (const path of paths) {
      if (path.weightedBytes < this.#virtualBytes - CATCH_UP_BYTES) {
        path.weightedBytes = this.#virtualBytes - CATCH_UP_BYTES;
      }
      if (path.isReady(now) && (best === undefined || path.weightedBytes < best.weightedBytes)) best = path;
    }
    if (best !== undefined) this.#virtualBytes = Math.max(this.#virtualBytes, best.weightedBytes);
    return best;
  }
}
