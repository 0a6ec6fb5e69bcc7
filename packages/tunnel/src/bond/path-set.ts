import { LOSSY_PPM } from "../path/loss-meter.ts";
import type { Path } from "../path/path.ts";
import type { LinkRole, PathId } from "../types.ts";
import { leadOf } from "./schedulers/adaptive.ts";

/** BBR's window is this many bandwidth-delay products (`bbr_cwnd_gain`). */
const NEAR_ROUND_TRIPS = 2;

const ROLE_ORDER: readonly LinkRole[] = ["primary", "backup", "metered"];

/** The paths of a bond, and which of them carry inner packets at the moment. */
export class PathSet {
  readonly all: Path[] = [];
  /** Enabled and up, of the best role that has any. */
  eligible: Path[] = [];
  readonly #byId: (Path | undefined)[] = new Array<Path | undefined>(256).fill(undefined);

  get(id: number): Path | undefined {
    return this.#byId[id];
  }

  add(path: Path): void {
    this.all.push(path);
    this.#byId[path.id] = path;
  }

  clear(): void {
    this.all.length = 0;
    this.eligible = [];
    this.#byId.fill(undefined);
  }

  ids(): PathId[] {
    return this.all.map((path) => path.id);
  }

  /** Call it after any change of a path's state or plan. */
  refresh(): void {
    for (const role of ROLE_ORDER) {
      this.eligible = this.all.filter((path) => path.isUp && path.plan.enabled && path.plan.role === role);
      if (this.eligible.length > 0) return;
    }
  }

  /** Sum of what the eligible paths can carry, bytes per µs. */
  capacity(): number {
    let sum = 0;
    for (const path of this.eligible) sum += path.capacity;
    return sum;
  }

  /** What a flow in order waits for on the slowest eligible path, see `orderUs`. */
  referenceUs(): number {
    const quickest = this.#quickest();
    if (quickest === undefined) return 0;
    let slowestUs = 0;
    for (const path of this.eligible) slowestUs = Math.max(slowestUs, orderUs(path, quickest));
    return slowestUs;
  }

  /** Share of the capacity, 0 to 1, on paths for which a flow in order waits no longer than `NEAR_ROUND_TRIPS` of the quickest round trip. */
  nearShare(): number {
    const quickest = this.#quickest();
    const capacity = this.capacity();
    if (quickest === undefined || capacity === 0) return 1;
    const limitUs = NEAR_ROUND_TRIPS * this.quickestUs();
    let near = 0;
    for (const path of this.eligible) if (orderUs(path, quickest) <= limitUs) near += path.capacity;
    return near / capacity;
  }

  /** Smallest round trip of any eligible path; Infinity if none is known. */
  quickestUs(): number {
    let quickestUs = Number.POSITIVE_INFINITY;
    for (const path of this.eligible) if (path.rtt.minUs < quickestUs) quickestUs = path.rtt.minUs;
    return quickestUs;
  }

  /** Smallest round trip of any eligible path under load, 0 if there is none: the mean, and its mean deviation, for every packet then waits for slower ones ahead of it. */
  loadedUs(): number {
    let loadedUs = Number.POSITIVE_INFINITY;
    for (const { rtt } of this.eligible) loadedUs = Math.min(loadedUs, rtt.smoothedUs + rtt.variationUs);
    return this.eligible.length === 0 ? 0 : loadedUs;
  }

  /** Smallest one-way delay of the quickest eligible path. */
  quickestDelayUs(): number {
    return this.#quickest()?.oneWay.minUs ?? 0;
  }

  /** Backlog, in time at full rate, that feeds the slowest path in order. */
  leadUs(): number {
    const quickest = this.#quickest();
    const capacity = this.capacity();
    if (quickest === undefined || capacity === 0) return 0;
    let most = 0;
    for (const path of this.eligible) {
      const own = path.capacity * (path.oneWay.baseUs - quickest.oneWay.baseUs);
      most = Math.max(most, leadOf(this.eligible, path) + own);
    }
    return most / capacity;
  }

  /** Over which path an ack for `path` gets back soonest. Metered paths carry only acks of their own. */
  ackCarrier(path: Path): Path | undefined {
    let best: Path | undefined;
    for (const other of this.all) {
      if (!other.isUp || other.isPeerStalled || !other.hasRemote) continue;
      if (other.plan.role === "metered" && other !== path) continue;
      if (best === undefined || ackDelayUs(other) < ackDelayUs(best)) best = other;
    }
    if (best !== undefined) return best;
    return path.hasRemote && !path.life.isSuspended ? path : undefined;
  }

  #quickest(): Path | undefined {
    let quickest: Path | undefined;
    for (const path of this.eligible) {
      if (quickest === undefined || path.oneWay.baseUs < quickest.oneWay.baseUs) quickest = path;
    }
    return quickest;
  }
}

/**
 * Round trip of a packet over `path` with its ack on the quickest. Where packets get lost, order waits for repairs: one round trip over the
 * path that lost the packet, and one over the quickest that carries it again.
 */
function orderUs(path: Path, quickest: Path): number {
  const rttUs = quickest.rtt.minUs + path.oneWay.baseUs - quickest.oneWay.baseUs;
  const repairUs = path.lossMeter.ppm > LOSSY_PPM ? path.congestion.pipe.roundTripUs + quickest.rtt.minUs : 0;
  return Math.max(rttUs, repairUs);
}

function ackDelayUs(path: Path): number {
  return path.oneWay.smoothedUs + 2 * path.oneWay.variationUs;
}
