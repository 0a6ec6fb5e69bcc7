import type { Path } from "../../path/path.ts";
import type { Micros } from "../../types.ts";
import type { SlotRing } from "../slot-ring.ts";

/** Packets that wait for the same ear: one lane, or the repairs. */
export interface Backlog {
  readonly queue: SlotRing;
  readonly bytes: number;
  /** Share of the bond's capacity that it may expect. */
  readonly share: number;
  /** It has sent enough to be a transfer that grows with what it gets. */
  readonly isBig: boolean;
  /** Its host sees no round trip below this; 0 = unknown. */
  readonly floorUs: number;
}

/**
 * Chooses the path for the next packet, at the moment it may leave and not before. `paths` are the usable ones of the best role.
 */
export interface PathChooser {
  /** Position in the backlog's queue, from the head, of the packet that the chosen path should take. */
  position: number;
  /** `current` is the path of the run under construction. Undefined: nothing may be sent now. */
  choose(paths: readonly Path[], backlog: Backlog, current: Path | undefined, now: Micros): Path | undefined;
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

export function hasReady(paths: readonly Path[], now: Micros): boolean {
  for (const path of paths) if (path.isReady(now)) return true;
  return false;
}

/** The ready path over which a packet arrives first, or undefined. */
export function quickestReady(paths: readonly Path[], now: Micros): Path | undefined {
  let best: Path | undefined;
  for (const path of paths) {
    if (path.isReady(now) && (best === undefined || path.arrivalAt(now) < best.arrivalAt(now))) best = path;
  }
  return best;
}
