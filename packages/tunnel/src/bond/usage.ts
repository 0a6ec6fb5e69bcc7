import type { Micros } from "../types.ts";
import { DOUBLE_ZERO } from "../types.ts";

/** One way in of inner packets: how many bytes so far, and when the last one came. */
export interface Inflow {
  readonly bytes: number;
  readonly lastAt: number;
}

/** The bond is busy, and paths that do not answer are asked often, this long after its last inner packet. */
const BUSY_US = 2_000_000;
/** An idle path is probed once per so many inner bytes: the probes of three paths from both ends, 57 bytes each, are then 0.9 % of them. */
export const PROBE_EVERY_BYTES = 40_000;
/** … from 3.2 Mbit/s on this often: little is gained by knowing of a path's death before its own traffic would tell. */
export const PROBE_LOADED_US = 100_000;
/** … and on an idle bond this often: its RTT and its life must be known when it is needed. */
export const PROBE_IDLE_US = 1_000_000;
const RATE_MAX = PROBE_EVERY_BYTES / PROBE_LOADED_US;
/** The rate is a mean over this long, so that a write per second is as good as a steady flow. */
const MEAN_US = 1_000_000;

/** How much a bond carries, both directions, and how often it may therefore probe what is idle of it. */
export class Usage {
  /** Interval between probes of a path that is up and carries nothing. */
  probeEveryUs = PROBE_IDLE_US;
  readonly #inflows: readonly Inflow[];
  /** Bytes per µs; more than `RATE_MAX` makes no difference. */
  #rate = 0;
  #bytes = DOUBLE_ZERO;
  #countedAt = Number.NEGATIVE_INFINITY;

  constructor(inflows: readonly Inflow[]) {
    this.#inflows = inflows;
  }

  isBusy(now: Micros): boolean {
    for (const { lastAt } of this.#inflows) if (now - lastAt < BUSY_US) return true;
    return false;
  }

  /** Takes the rate anew; `now` must have passed since the last time. */
  count(now: Micros): void {
    let bytes = 0;
    for (const inflow of this.#inflows) bytes += inflow.bytes;
    const passedUs = now - this.#countedAt;
    const rate = (bytes - this.#bytes) / passedUs;
    this.#rate = Math.min(RATE_MAX, this.#rate + (rate - this.#rate) * Math.min(1, passedUs / MEAN_US));
    this.#bytes = bytes;
    this.#countedAt = now;
    this.probeEveryUs = Math.min(PROBE_IDLE_US, PROBE_EVERY_BYTES / this.#rate);
  }
}
