import type { Arena } from "./arena.ts";
import { TunnelError } from "./errors.ts";
import type { Slot } from "./types.ts";

/** The transport checksum of the inner packet holds only the pseudo-header's sum. Same bit as on the wire. */
export const SLOT_CHECKSUM_PARTIAL = 0x01;

/** Bytes ahead of an inner packet, so that the lane header can be written right in front of it. */
const HEADROOM_BYTES = 32;
/** One UDP_SEGMENT send: the largest UDP payload over IPv4. */
const TRANSMIT_BYTES = 65_536;
const SCRATCH_BYTES = 2_048;

export interface PacketPoolOptions {
  readonly slots: number;
  /** Default 2,048. */
  readonly slotBytes?: number;
}

/**
 * Packet buffers of equal size in an arena, and what the core remembers of each, as a struct of arrays. One pool serves
 * all bonds of a data plane; a slot has exactly one owner: the caller, or one bond.
 *
 * The caller fills bytes at `packetOffset(slot)`, `length` and `flags`, and hands the slot to `Bond.handleInner`. Slots that
 * come out of `Bond.pollDeliver` belong to the caller, who frees them after use.
 */
export class PacketPool {
  readonly arena: Arena;
  readonly slots: number;
  /** Largest inner packet, bytes. */
  readonly capacityBytes: number;
  /** Inner packet bytes per slot. */
  readonly length: Int32Array;
  readonly flags: Uint8Array;

  /** Lane number and sequence, once the packet has them. */
  readonly lane: Uint8Array;
  readonly sequence: Uint32Array;
  /** When the packet came in, µs. */
  readonly enteredAt: Float64Array;
  /** Holders of the slot inside a bond: queue, repair queue, every copy in flight. */
  readonly references: Uint16Array;
  /** What the far end is known to have: bit 0 first half, bit 1 last half. */
  readonly delivered: Uint8Array;
  /** Bit 0: waits in the repair queue. Bit 1: has been sent before. Bit 2: waits, and is not to be sent. */
  readonly repair: Uint8Array;
  /** Copies under way that arrive sooner than a repair would. */
  readonly expected: Uint8Array;
  /** Next slot in a chain of the resequencer. */
  readonly chain: Int32Array;

  /** Where sealed datagrams are laid down; shared by all bonds of the pool, overwritten by the next `pollTransmit`. */
  readonly transmitOffset: number;
  readonly transmitBytes = TRANSMIT_BYTES;
  /** For plaintext of FRAMES datagrams, in and out. */
  readonly scratchOffset: number;
  readonly scratchBytes = SCRATCH_BYTES;

  readonly #slotBytes: number;
  readonly #firstPacketOffset: number;
  readonly #free: Int32Array;
  #freeCount: number;

  constructor(arena: Arena, options: PacketPoolOptions) {
    const { slots, slotBytes = 2_048 } = options;
    if (slots < 64 || slotBytes < 2_048) {
      throw new TunnelError("pool-too-small", "A packet pool needs at least 64 slots of at least 2,048 bytes.");
    }
    this.arena = arena;
    this.slots = slots;
    this.#slotBytes = slotBytes;
    this.capacityBytes = slotBytes - HEADROOM_BYTES;
    this.#firstPacketOffset = arena.reserve(slots * slotBytes) + HEADROOM_BYTES;
    this.transmitOffset = arena.reserve(TRANSMIT_BYTES);
    this.scratchOffset = arena.reserve(SCRATCH_BYTES);
    this.length = new Int32Array(slots);
    this.flags = new Uint8Array(slots);
    this.lane = new Uint8Array(slots);
    this.sequence = new Uint32Array(slots);
    this.enteredAt = new Float64Array(slots);
    this.references = new Uint16Array(slots);
    this.delivered = new Uint8Array(slots);
    this.repair = new Uint8Array(slots);
    this.expected = new Uint8Array(slots);
    this.chain = new Int32Array(slots);
    this.#free = Int32Array.from({ length: slots }, (_, index) => slots - 1 - index);
    this.#freeCount = slots;
  }

  get freeSlots(): number {
    return this.#freeCount;
  }

  /** Returns a slot, or -1 when all are in use. */
  alloc(): Slot {
    if (this.#freeCount === 0) return -1 as Slot;
    const slot = this.#free[--this.#freeCount]! as Slot;
    this.flags[slot] = 0;
    this.references[slot] = 0;
    this.delivered[slot] = 0;
    this.repair[slot] = 0;
    this.expected[slot] = 0;
    return slot;
  }

  free(slot: Slot): void {
    this.#free[this.#freeCount++] = slot;
  }

  /** Drops one holder; the last one gives the slot back. */
  release(slot: Slot): void {
    if (--this.references[slot]! === 0) this.free(slot);
  }

  /** Arena offset of the inner packet's first byte. */
  packetOffset(slot: Slot): number {
    return this.#firstPacketOffset + slot * this.#slotBytes;
  }
}
