import type { Path } from "../../path/path.ts";
import type { Micros } from "../../types.ts";
import type { Backlog, PathChooser } from "./path-chooser.ts";

/** A run goes on over a path whose arrival is at most this much later than the best one's: system calls are not free. */
const RUN_TOLERANCE_US = 1_000;
/**
 * Share of the lead that is asked of a big flow. Simulated over all profiles: with 1, windows of BBR and of hosts with small buffers never open for the slow
 * path; with 0 the slow path makes everybody wait.
 */
const BIG_FLOW_LEAD = 0.25;
/** A flow whose host waits for the slow path anyway gives it all that the quick paths leave over. */
const FLOORED_LEAD = 0.05;
/** What a packet costs on a path besides itself: our headers and tag, UDP and IP. */
const PACKET_OVERHEAD_BYTES = 64;

/**
 * Earliest predicted arrival. The head of the queue goes to the path over which it arrives first, even if that means to wait for that path's turn.
 * Meanwhile a slower path takes a packet from as far back as the quicker ones will have got by the time it arrives (STMS, ECF), so that
 * packets arrive in order although paths differ. It takes nothing where the backlog is far from that long: a small flow stays on the quick paths. But a big flow's
 * backlog cannot reach the full lead as long as its window is sized by the quick paths alone, so a share of the lead has to do for it.
 */
export class AdaptiveChooser implements PathChooser {
  position = 0;

  choose(paths: readonly Path[], backlog: Backlog, current: Path | undefined, now: Micros): Path | undefined {
    this.position = 0;
    let best: Path | undefined;
    let bestAt = Number.POSITIVE_INFINITY;
    for (const path of paths) {
      if (!path.isWindowOpen) continue;
      const at = arrivalAt(path, backlog, now);
      if (at < bestAt) {
        best = path;
        bestAt = at;
      }
    }
    if (best === undefined) return undefined;
    if (current !== undefined && current !== best && current.isReady(now)) {
      if (arrivalAt(current, backlog, now) <= bestAt + RUN_TOLERANCE_US) return current;
    }
    if (best.isReady(now)) return best;
    return this.#chooseFromBehind(paths, best, backlog, now);
  }

  #chooseFromBehind(paths: readonly Path[], best: Path, backlog: Backlog, now: Micros): Path | undefined {
    const packets = backlog.queue.count;
    const waitingBytes = backlog.bytes + packets * PACKET_OVERHEAD_BYTES;
    const packetBytes = waitingBytes / packets;
    for (const path of paths) {
      if (path === best || !path.isReady(now)) continue;
      const aheadUs = Math.max(0, path.oneWay.baseUs - best.oneWay.baseUs);
      const leadShare = leadShareOf(backlog, aheadUs);
      const leadBytes = leadOf(paths, path) * backlog.share * leadShare;
      if (waitingBytes <= leadBytes + packetBytes) continue;
      const ownBytes = path.capacity * backlog.share * aheadUs * leadShare;
      const leadPackets = Math.floor(leadBytes / packetBytes);
      const offset = seekBehind(backlog, leadPackets, Math.floor((leadBytes + ownBytes) / packetBytes));
      if (offset < 0) continue;
      this.position = offset;
      return path;
    }
    return undefined;
  }
}

/** Share of the lead that the backlog has to reach before a path that is `lateUs` behind takes from it. */
function leadShareOf(backlog: Backlog, lateUs: number): number {
  if (!backlog.isBig) return 1;
  return lateUs < backlog.floorUs ? FLOORED_LEAD : BIG_FLOW_LEAD;
}

/** Only a big flow can give a probing path the excess that it needs; all others take the quickest path. */
function arrivalAt(path: Path, backlog: Backlog, now: Micros): number {
  return path.arrivalAt(now) - (backlog.isBig ? path.probeBonusUs : 0);
}

/**
 * A path that has been busy finds the holes of its own earlier packets behind the lead, and goes on behind them. Where its share is longer than the backlog, as with a
 * crowd of repairs, it begins right behind the lead. A big flow's backlog is left to grow first: simulated, BBR lost 0.15 C on twolegs and fiber_lte without that.
 */
function seekBehind(backlog: Backlog, leadPackets: number, furtherPackets: number): number {
  const offset = backlog.queue.seek(furtherPackets);
  return offset >= 0 || backlog.isBig ? offset : backlog.queue.seek(leadPackets);
}

/** Bytes that quicker paths deliver before a packet that is handed to `path` now arrives. */
export function leadOf(paths: readonly Path[], path: Path): number {
  const delayUs = path.delayUs();
  let bytes = 0;
  for (const other of paths) {
    const aheadUs = delayUs - other.delayUs();
    if (other !== path && aheadUs > 0) bytes += other.capacity * aheadUs;
  }
  return bytes;
}
