import type { Path } from "../../path/path.ts";
import type { Micros } from "../../types.ts";
import type { Backlog, PathChooser } from "./path-chooser.ts";

/** Packet by packet, or run by run, over all paths that may send. */
export class RoundRobinChooser implements PathChooser {
  position = 0;
  #turn = 0;

  choose(paths: readonly Path[], _backlog: Backlog, current: Path | undefined, now: Micros): Path | undefined {
    if (current?.isReady(now)) return current;
    for (let step = 0; step < paths.length; step++) {
      const index = (this.#turn + step) % paths.length;
      if (!paths[index]!.isReady(now)) continue;
      this.#turn = index + 1;
      return paths[index];
    }
    return undefined;
  }
}
