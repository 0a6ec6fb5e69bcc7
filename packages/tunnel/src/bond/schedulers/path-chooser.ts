import type { Path } from "../../path/path.ts";
import type { Micros } from "../../types.ts";
import type { Lane } from "../lane.ts";

/**
 * Chooses the path for the next packet, at the moment it may leave and not before. `paths` are the usable ones of the best role;
 * `lane` is undefined for a repair, which is always the oldest and most wanted packet.
 */
export interface PathChooser {
  /** Position in the lane's queue, from the head, of the packet that the chosen path should take. */
  position: number;
  /** `current` is the path of the run under construction. Undefined: nothing may be sent now. */
  choose(paths: readonly Path[], lane: Lane | undefined, current: Path | undefined, now: Micros): Path | undefined;
}

/** The quickest path for a small packet that must not wait, whatever window or pacing say (within the overdraft). */
export function chooseUrgent(paths: readonly Path[], now: Micros): Path | undefined {
  let best: Path | undefined;
  let bestAt = Number.POSITIVE_INFINITY;
  for (const path of paths) {
    if (!path.takesUrgent(now)) continue;
    const at = path.arrivalAt(now);
    if (at < bestAt) {
      best = path;
      bestAt = at;
    }
  }
  return best;
}
