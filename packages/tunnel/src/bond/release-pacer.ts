import type { Micros } from "../types.ts";
import { LANES } from "../wire/lane-header.ts";

/** A socket charges every datagram about this much for its bookkeeping. */
const PACKET_COST_BYTES = 700;
/** What may leave at once: half of a socket of 208 KiB, which is what Linux gives. 49 full datagrams, 64 kB of them. */
const BURST_BYTES = 100_000;
/** A waiting release goes on when this much may leave: a wake-up per packet would cost more than it spares. */
const QUANTUM_BYTES = 24_000;
/** Release over arrival. With 2 a gap's backlog is gone after as long again as the gap lasted. */
const CATCH_UP = 2;
/** Arrivals are measured over windows of this length; a younger one is not believed before the shortest. */
const WINDOW_US = 50_000;
const WINDOW_MIN_US = 10_000;
/** What is left of a higher rate in the next window: a lane that pauses, for the repair of its last packets perhaps, has not become slow. */
const FADING = 0.5;
/** However slow a flow has become, half of what waits leaves in about this time. */
const DRAIN_US = 100_000;

/** What a packet of this length takes of an application's socket. */
export function costOf(packetBytes: number): number {
  return packetBytes + PACKET_COST_BYTES;
}

/**
 * How fast what waited behind a gap leaves its lane: a token bucket per lane, filled at a small multiple of the rate at which the lane's packets
 * arrive. A lane without gaps is not slowed. All bytes are a socket's: see {@link costOf}.
 */
export class ReleasePacer {
  readonly #tokens = new Float64Array(LANES).fill(BURST_BYTES);
  readonly #filledAt = new Float64Array(LANES);
  readonly #windowStart = new Float64Array(LANES);
  readonly #windowBytes = new Float64Array(LANES);
  /** Bytes per µs in the windows before. */
  readonly #rate = new Float64Array(LANES);

  /** Measures the lane. `at`: when the packet came in, as far as that is known. */
  noteArrival(lane: number, costBytes: number, at: Micros): void {
    const elapsedUs = at - this.#windowStart[lane]!;
    if (elapsedUs >= WINDOW_US) {
      this.#rate[lane] = Math.max(this.#windowBytes[lane]! / elapsedUs, this.#rate[lane]! * FADING);
      this.#windowStart[lane] = at;
      this.#windowBytes[lane] = 0;
    }
    this.#windowBytes[lane]! += costBytes;
  }

  /** Adds what has become due since the last call. `waitingBytes`: all that waits in the lane. */
  refill(lane: number, waitingBytes: number, now: Micros): void {
    const added = (now - this.#filledAt[lane]!) * this.#fillRate(lane, waitingBytes, now);
    this.#tokens[lane] = Math.min(BURST_BYTES, this.#tokens[lane]! + added);
    this.#filledAt[lane] = now;
  }

  /** Whether a packet of this cost may leave; it is charged if so. */
  take(lane: number, costBytes: number): boolean {
    if (this.#tokens[lane]! < costBytes) return false;
    this.#tokens[lane]! -= costBytes;
    return true;
  }

  /** Charges a packet that leaves in any case: the one that closes a gap. */
  charge(lane: number, costBytes: number): void {
    this.#tokens[lane]! -= costBytes;
  }

  /** When the release goes on, after `take` said no. */
  readyAt(lane: number, waitingBytes: number, now: Micros): Micros {
    const missingBytes = Math.min(QUANTUM_BYTES, waitingBytes) - this.#tokens[lane]!;
    return (now + Math.max(1, missingBytes) / this.#fillRate(lane, waitingBytes, now)) as Micros;
  }

  #fillRate(lane: number, waitingBytes: number, now: Micros): number {
    const elapsedUs = Math.max(WINDOW_MIN_US, now - this.#windowStart[lane]!);
    const arrivalRate = Math.max(this.#rate[lane]!, this.#windowBytes[lane]! / elapsedUs);
    return Math.max(CATCH_UP * arrivalRate, Math.max(waitingBytes, BURST_BYTES) / DRAIN_US);
  }
}
