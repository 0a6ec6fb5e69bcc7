import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import type { Handshakes } from "./handshakes.ts";
import { TcpPacket } from "./tcp-packet.ts";

/** Answers that may wait at once; more pass as they come. */
const HELD_MAX = 64;
/** Largest inner packet that can be a SYN segment: headers of IPv6, and all options. */
const SYN_BYTES_MAX = 100;

/** Share of a loaded round trip below which a host is shown none. BBR's window is twice the smallest it was shown: a half would leave no room for order and repair. */
export const FLOOR_SHARE = 0.7;

/** What the hold needs to know of the bond. */
export interface RoundTrips {
  /** Round trip under load over the path where it is shortest: if it varies, every packet then waits for the slowest ones ahead of it. */
  readonly loadedUs: number;
}

/**
 * An answer to a host's SYN that jitter let pass much sooner than packets of a loaded path waits. BBR takes the handshake's round trip for the path's minimum for ten
 * seconds: over a link that takes 60 ms under load, and took 20 that once, its window fills two thirds. Where the round trip does not vary, nothing waits.
 */
export class HandshakeHold {
  readonly #pool: PacketPool;
  readonly #trips: RoundTrips;
  readonly #handshakes: Handshakes;
  readonly #packet = new TcpPacket();
  readonly #slots = new Int32Array(HELD_MAX);
  readonly #dueAt = new Float64Array(HELD_MAX);
  #count = 0;

  constructor(pool: PacketPool, trips: RoundTrips, handshakes: Handshakes) {
    this.#pool = pool;
    this.#trips = trips;
    this.#handshakes = handshakes;
  }

  /** Takes a packet on its way to the host if it answers a SYN too soon. Returns false if the packet goes on at once. */
  hold(slot: Slot, now: Micros): boolean {
    const pool = this.#pool;
    const length = pool.length[slot]!;
    const floorUs = FLOOR_SHARE * this.#trips.loadedUs;
    // Most acks come long after any SYN, and need not be read for it.
    if (now >= this.#handshakes.newestAskedAt + floorUs || length > SYN_BYTES_MAX || this.#count === HELD_MAX)
      return false;
    if (!this.#packet.read(pool.arena.view, pool.packetOffset(slot), length) || !this.#packet.isSyn) return false;
    const dueAt = this.#handshakes.askedAt(this.#packet.reverseFlow) + floorUs;
    if (dueAt <= now) return false;
    this.#slots[this.#count] = slot;
    this.#dueAt[this.#count++] = dueAt;
    return true;
  }

  /** A held answer that is due, or -1. */
  poll(now: Micros): Slot {
    for (let i = 0; i < this.#count; i++) {
      if (this.#dueAt[i]! > now) continue;
      const slot = this.#slots[i]! as Slot;
      this.#count--;
      this.#slots[i] = this.#slots[this.#count]!;
      this.#dueAt[i] = this.#dueAt[this.#count]!;
      return slot;
    }
    return -1 as Slot;
  }

  /** When the next held answer is due; Infinity if none is held. */
  timeoutAt(): Micros {
    let at = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#count; i++) at = Math.min(at, this.#dueAt[i]!);
    return at as Micros;
  }

  clear(): void {
    for (let i = 0; i < this.#count; i++) this.#pool.free(this.#slots[i]! as Slot);
    this.#count = 0;
  }
}
