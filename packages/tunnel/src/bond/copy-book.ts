import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import type { Micros, Slot } from "../types.ts";
import { RUN_DATAGRAMS_MAX } from "./sealer.ts";

const NONE = -1 as Slot;
const PATH_IDS = 256;

/**
 * The packets of the last run, as long as copies of them are to be sent over other paths. A copy never waits: a path that has no room for it at
 * this moment is passed over, and a copy that found no path is counted. Bounded by the length of a run.
 */
export class CopyBook {
  sentPackets = 0;
  skippedPackets = 0;
  readonly #pool: PacketPool;
  readonly #slots = new Int32Array(RUN_DATAGRAMS_MAX);
  /** Copies that each packet still wants. */
  readonly #wanted = new Uint8Array(RUN_DATAGRAMS_MAX);
  readonly #isUrgent = new Uint8Array(RUN_DATAGRAMS_MAX);
  #count = 0;
  #copies = 0;
  /** Paths that had their turn, by number, the run's own among them. */
  readonly #tried = new Uint8Array(PATH_IDS);
  #path: Path | undefined = undefined;
  #position = 0;

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** The packets of the run are copied. */
  get isActive(): boolean {
    return this.#copies > 0;
  }

  /** A run over `path` begins, whose packets are to be sent over `copies` more of `paths`. */
  begin(path: Path, paths: readonly Path[], copies: number): void {
    this.#copies = Math.min(copies, paths.length - 1);
    if (!this.isActive) return;
    this.#tried.fill(0);
    this.#tried[path.id] = 1;
    this.#path = undefined;
  }

  /** A packet of an active run has left. */
  note(slot: Slot, isUrgent: boolean, path: Path, paths: readonly Path[]): void {
    this.#slots[this.#count] = slot;
    this.#wanted[this.#count] = this.#copies;
    this.#isUrgent[this.#count] = isUrgent ? 1 : 0;
    this.#count++;
    this.#pool.references[slot]!++;
    if (isTimely(path, paths)) this.#pool.expected[slot]!++;
  }

  /** The path whose turn it is: the one over which copies arrive first, among those that had none. Undefined: the book is closed. */
  turn(paths: readonly Path[], now: Micros): Path | undefined {
    if (this.#count === 0 || this.#path !== undefined) return this.#path;
    for (const path of paths) {
      if (this.#tried[path.id] === 1) continue;
      if (this.#path === undefined || path.arrivalAt(now) < this.#path.arrivalAt(now)) this.#path = path;
    }
    if (this.#path === undefined) this.#close();
    else this.#tried[this.#path.id] = 1;
    this.#position = 0;
    return this.#path;
  }

  /** The next packet that the path of the turn can take, or -1, which ends the turn. */
  peek(now: Micros): Slot {
    const path = this.#path;
    for (; path !== undefined && this.#position < this.#count; this.#position++) {
      const hasRoom = this.#isUrgent[this.#position] === 1 ? path.takesUrgent(now) : path.isReady(now);
      if (hasRoom && this.#wanted[this.#position]! > 0) return this.#slots[this.#position]! as Slot;
    }
    this.#path = undefined;
    return NONE;
  }

  /** The packet of `peek` is copied. A reference passes to the caller. */
  take(paths: readonly Path[]): void {
    const slot = this.#slots[this.#position]!;
    this.#wanted[this.#position]!--;
    this.#position++;
    this.#pool.references[slot]!++;
    if (isTimely(this.#path!, paths)) this.#pool.expected[slot]!++;
    this.sentPackets++;
  }

  clear(): void {
    this.#path = undefined;
    this.#close();
  }

  #close(): void {
    for (let i = 0; i < this.#count; i++) {
      this.skippedPackets += this.#wanted[i]!;
      this.#pool.release(this.#slots[i]! as Slot);
    }
    this.#count = 0;
  }
}

/** Whether a copy over the path arrives sooner than the repair of one that was lost on the quickest path. */
function isTimely(path: Path, paths: readonly Path[]): boolean {
  let quickest = path;
  for (const other of paths) if (other.oneWay.baseUs < quickest.oneWay.baseUs) quickest = other;
  return path.oneWay.baseUs - quickest.oneWay.baseUs <= quickest.rtt.minUs;
}
