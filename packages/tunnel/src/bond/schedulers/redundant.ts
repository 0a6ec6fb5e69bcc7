import type { Path } from "../../path/path.ts";
import type { Micros } from "../../types.ts";
import type { Backlog, PathChooser } from "./path-chooser.ts";

/**
 * Plain duplication. The path that can carry most sets the pace, so that the bond is as fast as its best path; what leaves over it is copied
 * to others that have room (`CopyBook`). A path whose window is closed, as that of a dead one soon is, sets no pace.
 */
export class RedundantChooser implements PathChooser {
  position = 0;

  choose(paths: readonly Path[], _backlog: Backlog, _current: Path | undefined, now: Micros): Path | undefined {
    const leader = leaderOf(paths);
    return leader?.isReady(now) ? leader : undefined;
  }
}

/** The path of the highest capacity among those with an open window. */
export function leaderOf(paths: readonly Path[]): Path | undefined {
  let leader: Path | undefined;
  for (const path of paths) {
    if (path.isWindowOpen && (leader === undefined || path.capacity > leader.capacity)) leader = path;
  }
  return leader;
}
