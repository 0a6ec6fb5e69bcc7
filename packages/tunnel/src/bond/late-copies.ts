import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import { IN_FLIGHT, PART_WHOLE } from "../path/sent-ledger.ts";
import type { Micros, Slot } from "../types.ts";
import { hasSpare } from "./spare-copies.ts";

const PATHS = 256;
/** Nothing becomes late so quickly that it has to be asked for at each poll. */
const LOOK_EVERY_US = 5_000;
const NEVER = Number.POSITIVE_INFINITY as Micros;

/**
 * What is under way over a path that has fallen behind, while nothing waits and another path is idle: hosts have sent all that they may, and the far end waits for
 * what stands in a modem whose capacity has fallen. A copy of it goes over the idle path (opportunistic retransmission, Raiciu et al., NSDI 2012). A path has fallen
 * behind when its oldest packet is later than reckoned by what the copy will take: to wait for longer may cost more than the copy.
 */
export class LateCopies {
  isEnabled = true;
  sentPackets = 0;
  /** Results of `select`. */
  slot = -1 as Slot;
  path: Path | undefined = undefined;
  /** When `select` may find something, if nothing else happens. */
  dueAt: Micros = NEVER;
  readonly #pool: PacketPool;
  /** Per path: the packet number from which on nothing was copied. */
  readonly #from = new Float64Array(PATHS);
  #late: Path | undefined = undefined;
  #packetNumber = 0;
  #lookAt = Number.NEGATIVE_INFINITY;

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** Finds the next packet to copy and its path. */
  select(paths: readonly Path[], now: Micros): boolean {
    if (now < this.#lookAt) return false;
    if (this.isEnabled) for (const late of paths) if (this.#selectFrom(late, paths, now)) return true;
    this.dueAt = this.isEnabled ? this.#earliestAt(paths, now) : NEVER;
    this.#lookAt = Math.min(this.dueAt, now + LOOK_EVERY_US);
    return false;
  }

  /** Takes the selected packet, with a reference for the caller. No repair is due while the packet and its copy are under way. */
  take(): void {
    this.#from[this.#late!.id] = this.#packetNumber + 1;
    this.#pool.references[this.slot]!++;
    this.#pool.expected[this.slot]! += 2;
    this.sentPackets++;
  }

  #selectFrom(late: Path, paths: readonly Path[], now: Micros): boolean {
    const packetNumber = this.#next(late);
    if (packetNumber === late.sent.next) return false;
    const helper = helperOf(paths, late, now);
    if (helper === undefined || !helper.isReady(now) || overdueAt(late, helper) > now) return false;
    this.#late = late;
    this.#packetNumber = packetNumber;
    this.slot = late.sent.slot[packetNumber & late.sent.mask]! as Slot;
    this.path = helper;
    return true;
  }

  #earliestAt(paths: readonly Path[], now: Micros): Micros {
    let at: number = NEVER;
    for (const late of paths) {
      if (this.#next(late) === late.sent.next) continue;
      const helper = helperOf(paths, late, now);
      if (helper === undefined) continue;
      const dueAt = Math.max(overdueAt(late, helper), helper.pacer.nextAt);
      if (dueAt > now && dueAt < at) at = dueAt;
    }
    return at as Micros;
  }

  #next(late: Path): number {
    const { sent } = late;
    let n = Math.max(sent.oldestInFlight(), this.#from[late.id]!);
    while (n < sent.next && !this.#isWanted(late, n)) n++;
    this.#from[late.id] = n;
    return n;
  }

  #isWanted({ sent }: Path, packetNumber: number): boolean {
    const index = packetNumber & sent.mask;
    const slot = sent.slot[index]!;
    if (sent.state[index] !== IN_FLIGHT || slot < 0) return false;
    return this.#pool.delivered[slot] !== PART_WHOLE && this.#pool.expected[slot] === 0;
  }
}

/** The path over which a copy arrives first, of those that have something to spare. */
function helperOf(paths: readonly Path[], late: Path, now: Micros): Path | undefined {
  let best: Path | undefined;
  for (const path of paths) {
    if (path === late || !hasSpare(path)) continue;
    if (best === undefined || path.arrivalAt(now) < best.arrivalAt(now)) best = path;
  }
  return best;
}

/** When the oldest packet of a path is later than reckoned by a round trip of the helper. */
function overdueAt({ sent, congestion }: Path, helper: Path): number {
  const index = sent.oldestInFlight() & sent.mask;
  return sent.sentAt[index]! + sent.ownQueueUs[index]! + congestion.pipe.roundTripUs + helper.rtt.smoothedUs;
}
