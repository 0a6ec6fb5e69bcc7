import type { QueueDelays } from "../inner-quic/ack-spacer.ts";
import type { BondDelays } from "../inner-tcp/ack-shaper.ts";
import type { LaneQueues } from "../inner-tcp/window-credit.ts";
import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import type { Algorithm, Micros, Slot } from "../types.ts";
import { FairQueue } from "./fair-queue.ts";
import type { Lane } from "./lane.ts";
import { LaneDrops } from "./lane-drops.ts";
import { LateCopies } from "./late-copies.ts";
import { QueueManagement } from "./queue-management.ts";
import type { RepairQueue } from "./repair-queue.ts";
import { createChooser } from "./schedulers/create-chooser.ts";
import { chooseUrgent, hasReady, type PathChooser, quickestReady } from "./schedulers/path-chooser.ts";
import { SpareCopies } from "./spare-copies.ts";

const NONE = -1 as Slot;
/** A lane that waits for its path does not keep others from using theirs; so many are asked. */
const LANES_TRIED_MAX = 8;
/** Age of a lane's head, beyond what its lead and queue management explain, from which on it is not overtaken any more. */
const OVERDUE_US = 300_000;
/** So many bytes of repairs go ahead of all lanes. Of more, as when a path dies, those that wait for none get as much as one that does. */
const REPAIRS_FIRST_BYTES = 12_000;
const DEFAULT_COPIES = 2;
/** A packet may come later than predicted by this many mean deviations. */
const JITTER_SPAN = 2;

/**
 * Decides what leaves next, and over which path: urgent packets, then repairs, then the lanes in turn, then copies. Many repairs share with the lanes that wait for none. `select` looks, `commit` takes; between
 * the two the caller may decide that the datagram in the making is full.
 */
export class Dispatcher implements BondDelays, QueueDelays, LaneQueues {
  /** Result of `select`. */
  slot: Slot = NONE;
  path: Path | undefined = undefined;
  /** The selected packet must not wait for anything. */
  isUrgent = false;
  /** The selected packet is under way already; this is a copy from spare capacity. */
  isCopy = false;
  readonly queue = new FairQueue();
  readonly management: QueueManagement;
  readonly spare: SpareCopies;
  readonly late: LateCopies;
  readonly drops: LaneDrops;
  /** Paths beside the chosen one that are to get each packet too. */
  copies = 0;

  readonly #pool: PacketPool;
  readonly #repairs: RepairQueue;
  #chooser: PathChooser = createChooser("adaptive");
  /** Undefined: the selected packet is a repair or a copy. */
  #lane: Lane | undefined = undefined;
  /** The selected packet is a repair, or the head of a lane in the place of one. */
  #isAhead = false;
  #offset = 0;
  /** Whose copy is selected. */
  #copier: SpareCopies | LateCopies | undefined = undefined;
  /** Bytes that have gone ahead of all lanes, per lane that waits for repairs. */
  #aheadBytes = 0;

  constructor(pool: PacketPool, repairs: RepairQueue) {
    this.#pool = pool;
    this.#repairs = repairs;
    this.management = new QueueManagement(pool);
    this.drops = new LaneDrops(pool, this.queue, this.management);
    this.spare = new SpareCopies(pool);
    this.late = new LateCopies(pool);
  }

  /** See `BondDelays`. */
  get referenceUs(): number {
    return this.management.referenceUs;
  }

  get quickestUs(): number {
    return this.management.quickestUs;
  }

  get loadedUs(): number {
    return this.management.loadedUs;
  }

  get nearShare(): number {
    return this.management.nearShare;
  }

  get capacity(): number {
    return this.management.capacity;
  }

  nearRate(laneId: number): number {
    return this.management.nearShare * this.management.capacity * (this.queue.lanes[laneId]?.share ?? 1);
  }

  get leadUs(): number {
    return this.management.leadUs;
  }

  noteFloor(laneId: number, floorUs: number): void {
    const lane = this.queue.lanes[laneId];
    if (lane !== undefined) lane.floorUs = floorUs;
  }

  sojournUs(laneId: number): number {
    return this.queue.lanes[laneId]?.sojournUs ?? 0;
  }

  /** See `QueueDelays`. */
  excessUs(laneId: number): number {
    return this.queue.lanes[laneId]?.excessUs ?? 0;
  }

  queueUs(laneId: number): number {
    const lane = this.queue.lanes[laneId];
    return lane === undefined ? 0 : lane.bytes / (this.management.capacity * this.queue.shareOf(lane));
  }

  /** See `LaneQueues`. */
  creditBytes(laneId: number, hostUs: number): number {
    const lane = this.queue.lanes[laneId];
    return lane === undefined ? 0 : this.management.creditBytes(this.queue.shareOf(lane), hostUs);
  }

  queuedBytes(laneId: number): number {
    return this.queue.lanes[laneId]?.bytes ?? 0;
  }

  noteCredit(laneId: number, isCredited: boolean): void {
    const lane = this.queue.lanes[laneId];
    if (lane !== undefined) lane.isCredited = isCredited;
  }

  /** `copies`: see `BondPlan`. */
  use(algorithm: Algorithm, copies = DEFAULT_COPIES): void {
    this.#chooser = createChooser(algorithm);
    this.copies = algorithm !== "redundant" ? 0 : copies === 0 ? Number.POSITIVE_INFINITY : copies - 1;
    this.spare.isEnabled = algorithm === "adaptive" || algorithm === "latency-based";
    this.late.isEnabled = this.spare.isEnabled;
  }

  /** The selected packet is of the class critical, and leaves for the first time. */
  get isCritical(): boolean {
    return this.#lane?.isCritical ?? false;
  }

  /** The selected packet leaves for the first time. */
  get isFirst(): boolean {
    return this.#lane !== undefined;
  }

  get hasWork(): boolean {
    return this.queue.packets > 0 || this.#repairs.packets > 0 || this.spare.packets > 0;
  }

  /** Finds the next packet and its path. `current` is the path of the run under construction, which is preferred where it does no harm. */
  select(paths: readonly Path[], current: Path | undefined, now: Micros): boolean {
    this.#lane = this.queue.urgent(now);
    this.isUrgent = this.#lane !== undefined;
    this.isCopy = false;
    this.#isAhead = false;
    if (this.#lane !== undefined) return this.#selectHead(this.#lane, chooseUrgent(paths, now), now);
    const isLanesTurn = this.#aheadBytes >= REPAIRS_FIRST_BYTES;
    if (isLanesTurn && this.#selectLane(paths, current, true, now)) return true;
    this.#isAhead = this.#selectRepair(paths, current, now);
    if (this.#isAhead || this.#selectLane(paths, current, false, now)) return true;
    return this.queue.packets === 0 && this.#selectCopy(paths, now);
  }

  /** Takes the selected packet out of its queue. Its reference passes to the caller. */
  commit(now: Micros): void {
    const lane = this.#lane;
    if (this.isCopy) {
      this.#copier!.take();
      return;
    }
    this.#noteExcess(now);
    const bytes = this.#pool.length[this.slot]!;
    const { packets, lanes } = this.#repairs;
    if (this.#isAhead) this.#aheadBytes = Math.min(REPAIRS_FIRST_BYTES, this.#aheadBytes + bytes / lanes);
    else this.#aheadBytes = packets === 0 ? 0 : Math.max(0, this.#aheadBytes - bytes);
    if (lane === undefined) {
      this.#repairs.take(this.#offset);
      this.queue.chargeRepair(this.#pool.lane[this.slot]!, bytes);
      return;
    }
    lane.take(this.#offset, bytes);
    this.queue.charge(lane, bytes, now);
    this.#repairs.unreleased.send(this.slot);
  }

  /** Frees everything that waits. */
  clear(): void {
    this.#repairs.clear();
    this.spare.clear();
    for (const lane of this.queue.lanes) {
      while (lane !== undefined && lane.packets > 0) {
        const slot = lane.queue.peek();
        const bytes = this.#pool.length[slot]!;
        lane.take(0, bytes);
        this.queue.discard(bytes);
        this.#pool.release(slot);
      }
    }
  }

  #noteExcess(now: Micros): void {
    const { slot, path } = this;
    const arrivalAt = now + path!.delayUs() + JITTER_SPAN * path!.oneWay.variationUs;
    const excessUs = arrivalAt - this.#pool.enteredAt[slot]! - this.management.quickestDelayUs;
    this.queue.lanes[this.#pool.lane[slot]!]?.noteExcess(excessUs, now);
  }

  /** The lane whose turn it is, or one of those after it that can use a path which it does not. */
  #selectLane(paths: readonly Path[], current: Path | undefined, isUnrepaired: boolean, now: Micros): boolean {
    let lane = this.queue.turn();
    for (let tried = 0; tried < LANES_TRIED_MAX && lane !== undefined; tried++) {
      const isAsked = lane.packets > 0 && !(isUnrepaired && this.#repairs.hasLane(lane.id));
      if (isAsked && this.#selectFrom(lane, paths, current, now)) return true;
      if (!hasReady(paths, now)) return false;
      lane = this.queue.after(lane);
    }
    return false;
  }

  #selectFrom(lane: Lane, paths: readonly Path[], current: Path | undefined, now: Micros): boolean {
    this.#lane = lane;
    lane.share = this.queue.shareOf(lane);
    const path = this.#chooser.choose(paths, lane, current, now);
    const takesHead = path === undefined || this.#chooser.position === 0 || this.#isHeadOverdue(lane, now);
    if (takesHead) return this.#selectHead(lane, path, now);
    this.path = path;
    this.#offset = this.#chooser.position;
    this.slot = lane.queue.at(this.#offset);
    return this.#repairs.unreleased.hasRoomFor(this.slot) || this.#selectHead(lane, path, now);
  }

  /** The lane gets less of the quick paths than was reckoned with: its head goes over whichever path is ready, or the far end waits too long. */
  #isHeadOverdue(lane: Lane, now: Micros): boolean {
    return this.#isOverdue(this.#pool.enteredAt[lane.queue.peek()]!, now);
  }

  #isOverdue(since: number, now: Micros): boolean {
    const { leadUs, referenceUs } = this.management;
    return now - since > OVERDUE_US + leadUs + 2 * referenceUs;
  }

  /** A repair that waits for its path does not keep lanes from using others. If urgent packets and parity leave it no room there for long, it goes over any other that is ready. */
  #selectRepair(paths: readonly Path[], current: Path | undefined, now: Micros): boolean {
    const repairs = this.#repairs;
    this.#lane = undefined;
    for (let head = repairs.peek(); head >= 0; head = repairs.peek()) {
      this.path = this.#chooser.choose(paths, repairs, current, now);
      this.#offset = this.#chooser.position;
      if (this.path === undefined && this.#isOverdue(this.#pool.enteredAt[head]!, now)) {
        this.path = quickestReady(paths, now);
        this.#offset = 0;
      }
      if (this.path === undefined) return false;
      this.slot = repairs.queue.at(this.#offset);
      if (!repairs.isNeedless(this.slot)) {
        this.#preferOvertakenHead(now);
        return true;
      }
      this.#pool.release(repairs.take(this.#offset));
    }
    return false;
  }

  /** What the selected repair left ahead of, by a slower path from behind, and what is overdue, goes first: the far end waits for that. */
  #preferOvertakenHead(now: Micros): void {
    const { slot, path } = this;
    const { enteredAt } = this.#pool;
    const lane = this.queue.lanes[this.#pool.lane[slot]!];
    if (lane === undefined || lane.packets === 0) return;
    if (enteredAt[lane.queue.peek()]! >= enteredAt[slot]! || !this.#isHeadOverdue(lane, now)) return;
    const offset = this.#offset;
    if (this.#selectHead(lane, path, now)) {
      this.#lane = lane;
      return;
    }
    this.slot = slot;
    this.path = path;
    this.#offset = offset;
  }

  /** Nothing waits: what is under way over paths that lose packets, or that have fallen behind, may travel twice. */
  #selectCopy(paths: readonly Path[], now: Micros): boolean {
    if (this.#repairs.packets > 0) return false;
    const copier = this.spare.select(paths, now) ? this.spare : this.late;
    if (copier === this.late && !this.late.select(paths, now)) return false;
    this.#lane = undefined;
    this.#copier = copier;
    this.isCopy = true;
    this.slot = copier.slot;
    this.path = copier.path;
    return true;
  }

  #selectHead(lane: Lane, path: Path | undefined, now: Micros): boolean {
    this.path = path;
    this.#offset = 0;
    if (path === undefined || !this.#repairs.unreleased.hasRoomFor(lane.queue.peek())) return false;
    for (let slot = lane.queue.peek(); slot >= 0; slot = lane.queue.peek()) {
      this.slot = slot;
      if (this.drops.isVoid(slot)) {
        this.drops.mergeStale(lane, slot, now);
        return true;
      }
      if (this.management.judge(lane, slot, now) !== "drop") return true;
      this.drops.dropHead(lane);
    }
    return false;
  }
}
