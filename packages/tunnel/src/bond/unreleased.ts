import type { PacketPool } from "../packet-pool.ts";
import type { Slot } from "../types.ts";
import { FLAG_UNORDERED, FLAG_VOID, LANES, VOID_BODY } from "../wire/lane-header.ts";

/** Every receiver has room for so many packets that wait for earlier ones. docs/protocol.md §5. */
const RECEIVER_ROOM = 16_384;
/** So many a lane may always have under way: another lane's gap must not silence it. */
const LANE_MIN = 8;
const BOND_MAX = RECEIVER_ROOM - LANES * LANE_MIN;
/** Sequence numbers of a lane from its gap on that are kept account of; a power of two. What is sent beyond the room would not be held, the rest of them waits here. */
const WINDOW = 32_768;
const MASK = WINDOW - 1;

const UNKNOWN = 0;
const ARRIVED = 1;
/** Arrived as part of a VOID: takes no room of its own. */
const ARRIVED_VOID = 2;

/**
 * What the receiver may have to hold: ordered packets that were sent, from the first number of their lane on that is not known to have arrived. More of
 * them than it has room for would cost it packets, where a queue that waits here costs at most its own oldest ones.
 */
export class Unreleased {
  /** In all lanes. */
  packets = 0;
  readonly #pool: PacketPool;
  readonly #inLane = new Int32Array(LANES);
  /** Per lane: lowest sequence number that is not known to have arrived. */
  readonly #base = new Uint32Array(LANES);
  /** Per lane in which packets have arrived beyond the base: what is known of the numbers from there on. */
  readonly #states: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(LANES).fill(undefined);

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** Whether the packet may be sent for the first time. */
  hasRoomFor(slot: Slot): boolean {
    const pool = this.#pool;
    if ((pool.flags[slot]! & FLAG_UNORDERED) !== 0) return true;
    const lane = pool.lane[slot]!;
    const ahead = (pool.sequence[slot]! - this.#base[lane]!) | 0;
    if (ahead === 0) return true;
    return ahead + this.#spanOf(slot) <= WINDOW && (this.packets < BOND_MAX || this.#inLane[lane]! < LANE_MIN);
  }

  /** The packet is sent for the first time. */
  send(slot: Slot): void {
    if ((this.#pool.flags[slot]! & FLAG_UNORDERED) !== 0) return;
    this.#inLane[this.#pool.lane[slot]!]!++;
    this.packets++;
  }

  /** The whole packet is known to have arrived; to be called once. */
  arrive(slot: Slot): void {
    const pool = this.#pool;
    if ((pool.flags[slot]! & FLAG_UNORDERED) !== 0) return;
    const lane = pool.lane[slot]!;
    const sequence = pool.sequence[slot]!;
    const span = this.#spanOf(slot);
    if (sequence === this.#base[lane]) {
      this.#base[lane] = (sequence + span) >>> 0;
      this.#release(lane);
      this.#advance(lane);
      return;
    }
    const states = this.#statesOf(lane);
    states[sequence & MASK] = ARRIVED;
    for (let n = 1; n < span; n++) states[(sequence + n) & MASK] = ARRIVED_VOID;
  }

  #advance(lane: number): void {
    const states = this.#states[lane];
    if (states === undefined) return;
    for (let n = this.#base[lane]!; states[n & MASK] !== UNKNOWN; n = (n + 1) >>> 0) {
      if (states[n & MASK] === ARRIVED) this.#release(lane);
      states[n & MASK] = UNKNOWN;
      this.#base[lane] = (n + 1) >>> 0;
    }
  }

  #release(lane: number): void {
    this.#inLane[lane]!--;
    this.packets--;
  }

  #statesOf(lane: number): Uint8Array {
    let states = this.#states[lane];
    if (states === undefined) {
      states = new Uint8Array(WINDOW);
      this.#states[lane] = states;
    }
    return states;
  }

  #spanOf(slot: Slot): number {
    const pool = this.#pool;
    if ((pool.flags[slot]! & FLAG_VOID) === 0) return 1;
    return pool.arena.view.getUint16(pool.packetOffset(slot) + VOID_BODY.COUNT);
  }
}
