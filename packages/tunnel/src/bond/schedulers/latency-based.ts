import type { Path } from "../../path/path.ts";
import type { Micros } from "../../types.ts";
import type { Backlog, PathChooser } from "./path-chooser.ts";

/** The path with the lowest smoothed RTT that may send; slower ones take what the quick ones cannot. */
export class LatencyBasedChooser implements PathChooser {
  position = 0;

  choose(paths: readonly Path[], _backlog: Backlog, current: Path | undefined, now: Micros): Path | undefined {
    if (current?.isReady(now)) return current;
    let best: Path | undefined;
    for (const path of paths) {
      if (!path.isReady(now)) continue;
      if (best === undefined || path.rtt.smoothedUs < best.rtt.smoothedUs) best = path;
    }
    return best;
  }
}
