import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import { PART_WHOLE } from "../path/sent-ledger.ts";
import type { Micros, Slot } from "../types.ts";

/** Packets that may have a copy to come. Power of two. A burst that is longer fills the paths, and is not copied anyway. */
const CAPACITY = 128;
const MASK = CAPACITY - 1;
/** Share of a path's pipe that may be in flight where a copy is to leave: full paths have nothing to spare. */
const FILL_MAX = 0.75;

/**
 * Packets that left over a path that loses some, and of which a copy goes after them when nothing else waits: over another path, or behind the packet over
 * its own if there is none, as long as the copy arrives sooner than a repair would. A flow that needs little of the bond so waits for next to no repair.
 * Costs capacity that nobody uses, and nothing where no path loses packets.
 */
export class SpareCopies {
  isEnabled = true;
  sentPackets = 0;
  /** Results of `select`. */
  slot = -1 as Slot;
  path: Path | undefined = undefined;
  readonly #pool: PacketPool;
  /** Ring of packets, oldest first, each with a reference to its slot; over which path it left, and when its repair would arrive. */
  readonly #slots = new Int32Array(CAPACITY);
  readonly #carriers: (Path | undefined)[] = new Array<Path | undefined>(CAPACITY).fill(undefined);
  readonly #repairAt = new Float64Array(CAPACITY);
  #head = 0;
  #tail = 0;

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  get packets(): number {
    return this.#tail - this.#head;
  }

  /** A packet leaves over `path` for the first time. */
  note(slot: Slot, path: Path, now: Micros): void {
    if (!this.isEnabled || !path.lossMeter.isLossy(now) || !hasSpare(path)) return;
    if (this.packets === CAPACITY) this.#drop();
    const index = this.#tail++ & MASK;
    this.#pool.references[slot]!++;
    this.#slots[index] = slot;
    this.#carriers[index] = path;
    this.#repairAt[index] = now + path.delayUs() + path.rtt.smoothedUs;
  }

  /** Finds the next packet to copy and its path. Packets that have arrived, or for which a copy comes too late or finds no room, are left out. */
  select(paths: readonly Path[], now: Micros): boolean {
    for (; this.packets > 0; this.#drop()) {
      const index = this.#head & MASK;
      this.slot = this.#slots[index]! as Slot;
      if (this.#pool.delivered[this.slot] === PART_WHOLE) continue;
      this.path = choose(paths, this.#carriers[index]!, this.#repairAt[index]!, now);
      if (this.path !== undefined) return this.path.isReady(now);
    }
    return false;
  }

  /** Takes the selected packet. Its reference passes to the caller. No repair is due while the packet and its copy are under way. */
  take(): void {
    this.#head++;
    this.#pool.expected[this.slot]! += 2;
    this.sentPackets++;
  }

  clear(): void {
    while (this.packets > 0) this.#drop();
  }

  #drop(): void {
    this.#pool.release(this.#slots[this.#head++ & MASK]! as Slot);
  }
}

/** The path over which the copy arrives first, of those that did not carry the packet if there are any. */
function choose(paths: readonly Path[], carrier: Path, latestAt: number, now: Micros): Path | undefined {
  let best: Path | undefined;
  for (const path of paths) {
    if (!hasSpare(path) || path.arrivalAt(now) >= latestAt) continue;
    if (best === undefined || best === carrier) best = path;
    else if (path !== carrier && path.arrivalAt(now) < best.arrivalAt(now)) best = path;
  }
  return best;
}

/** The path has room beside what it carries. */
export function hasSpare(path: Path): boolean {
  const pipeBytes = path.capacity * path.rtt.minUs;
  return path.plan.role !== "metered" && path.isWindowOpen && path.sent.inFlightBytes < FILL_MAX * pipeBytes;
}
