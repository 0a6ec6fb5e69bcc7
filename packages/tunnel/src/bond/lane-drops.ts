import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { FLAG_UNORDERED, FLAG_VOID, VOID_BODY } from "../wire/lane-header.ts";
import type { FairQueue } from "./fair-queue.ts";
import type { Lane } from "./lane.ts";
import type { QueueManagement } from "./queue-management.ts";

/** A VOID covers at most this many sequence numbers. */
const VOID_SPAN_MAX = 65_535;

/**
 * What becomes of packets that a lane gives up. The far end must not wait for a sequence number that never comes: an ordered packet leaves a VOID in its
 * place, and several in a row leave one.
 */
export class LaneDrops {
  droppedPackets = 0;
  readonly #pool: PacketPool;
  readonly #queue: FairQueue;
  readonly #management: QueueManagement;

  constructor(pool: PacketPool, queue: FairQueue, management: QueueManagement) {
    this.#pool = pool;
    this.#queue = queue;
    this.#management = management;
  }

  isVoid(slot: Slot): boolean {
    return (this.#pool.flags[slot]! & FLAG_VOID) !== 0;
  }

  /** Takes the lane's head out of the queue, turns it into a VOID, or merges the packet behind it into the VOID that it is. */
  dropHead(lane: Lane): void {
    const slot = lane.queue.peek();
    if (slot < 0) return;
    const pool = this.#pool;
    if (this.isVoid(slot)) {
      this.#mergeNext(lane, slot);
      return;
    }
    const bytes = pool.length[slot]!;
    this.droppedPackets++;
    if ((pool.flags[slot]! & FLAG_UNORDERED) !== 0) {
      this.#discard(lane, 0, slot);
      return;
    }
    pool.flags[slot] = FLAG_VOID;
    pool.length[slot] = VOID_BODY.LENGTH;
    pool.arena.view.setUint16(pool.packetOffset(slot) + VOID_BODY.COUNT, 1);
    lane.bytes -= bytes - VOID_BODY.LENGTH;
    this.#queue.bytes -= bytes - VOID_BODY.LENGTH;
  }

  /** The head is a VOID about to leave: it takes along what behind it has waited for too long. */
  mergeStale(lane: Lane, head: Slot, now: Micros): void {
    while (lane.packets > 1 && this.#management.isStale(lane.queue.at(lane.queue.seek(1)), now)) {
      if (!this.#mergeNext(lane, head)) return;
    }
  }

  /** The head is a VOID: drops the packet behind it, if that one continues it. Returns whether it did. */
  #mergeNext(lane: Lane, head: Slot): boolean {
    const pool = this.#pool;
    const { view } = pool.arena;
    const offset = lane.queue.seek(1);
    if (offset < 0) return false;
    const slot = lane.queue.at(offset);
    const span = view.getUint16(pool.packetOffset(head) + VOID_BODY.COUNT);
    const continues = pool.sequence[slot] === (pool.sequence[head]! + span) >>> 0;
    if (!continues || (pool.flags[slot]! & (FLAG_UNORDERED | FLAG_VOID)) !== 0 || span >= VOID_SPAN_MAX) return false;
    view.setUint16(pool.packetOffset(head) + VOID_BODY.COUNT, span + 1);
    this.#discard(lane, offset, slot);
    this.droppedPackets++;
    return true;
  }

  #discard(lane: Lane, offset: number, slot: Slot): void {
    const bytes = this.#pool.length[slot]!;
    lane.take(offset, bytes);
    this.#queue.discard(bytes);
    this.#pool.release(slot);
  }
}
