import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { DOUBLE_ZERO } from "../types.ts";
import { InnerClassifier } from "../wire/inner-packet.ts";
import { FLAG_CHECKSUM_PARTIAL, FLAG_UNORDERED } from "../wire/lane-header.ts";
import type { AckHelp } from "./ack-help.ts";
import type { Dispatcher } from "./dispatcher.ts";

const QUEUE_PACKETS = 8_192;
/** Share of the pool's slots that must stay free for what comes in from the network. */
const RESERVE_SHARE = 1 / 8;

/** The way in of an inner packet: lane, class, sequence number, place in the fair queue; and the bound of that queue. */
export class Inlet {
  packets = 0;
  bytes = DOUBLE_ZERO;
  /** Dropped because the queue or the pool was full. */
  overflowPackets = 0;
  /** Neither IPv4 nor IPv6, or empty. */
  invalidPackets = 0;
  lastAt = Number.NEGATIVE_INFINITY;
  readonly #pool: PacketPool;
  readonly #dispatcher: Dispatcher;
  readonly #help: AckHelp | undefined;
  readonly #classifier: InnerClassifier;
  readonly #queuePackets: number;
  readonly #reserveSlots: number;

  constructor(
    pool: PacketPool,
    dispatcher: Dispatcher,
    help: AckHelp | undefined,
    perturbation: number,
    queuePackets = QUEUE_PACKETS,
  ) {
    this.#help = help;
    this.#pool = pool;
    this.#dispatcher = dispatcher;
    this.#classifier = new InnerClassifier(perturbation);
    this.#queuePackets = queuePackets;
    this.#reserveSlots = Math.floor(pool.slots * RESERVE_SHARE);
  }

  accept(slot: Slot, now: Micros): void {
    const pool = this.#pool;
    const bytes = pool.length[slot]!;
    const classifier = this.#classifier;
    if (bytes > pool.capacityBytes || !classifier.read(pool.arena.view, pool.packetOffset(slot), bytes)) {
      this.invalidPackets++;
      pool.free(slot);
      return;
    }
    this.lastAt = now;
    this.packets++;
    this.bytes += bytes;
    const { queue, management } = this.#dispatcher;
    const lane = queue.lane(classifier.lane);
    const isTooLong = lane.bytes + bytes > management.backlogMax(queue.shareOf(lane));
    if (isTooLong || (this.#isFull() && !this.#makeRoom(lane.id))) {
      this.overflowPackets++;
      pool.free(slot);
      return;
    }
    lane.isCritical = classifier.trafficClass === "critical";
    lane.isBackground = classifier.trafficClass === "background";
    this.#help?.noteData(classifier.protocol, lane, pool.packetOffset(slot), bytes, now);
    pool.flags[slot] = (pool.flags[slot]! & FLAG_CHECKSUM_PARTIAL) | (classifier.unordered ? FLAG_UNORDERED : 0);
    pool.lane[slot] = lane.id;
    pool.sequence[slot] = classifier.unordered ? lane.nextUnorderedSequence++ : lane.nextSequence++;
    pool.enteredAt[slot] = now;
    pool.references[slot] = 1;
    lane.push(slot, bytes, now);
    queue.enlist(lane, bytes);
  }

  #isFull(): boolean {
    return this.#dispatcher.queue.packets >= this.#queuePackets || this.#pool.freeSlots < this.#reserveSlots;
  }

  /** The fattest lane loses a packet. Returns false if that is the new packet's own lane: then the new packet is the one. */
  #makeRoom(laneId: number): boolean {
    const fattest = this.#dispatcher.queue.fattest();
    if (fattest === undefined || fattest.id === laneId) return false;
    this.#dispatcher.drops.dropHead(fattest);
    return true;
  }
}
