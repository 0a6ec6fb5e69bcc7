/** UDP payload that passes on every path (docs/protocol.md §5): BASE_PLPMTU of RFC 8899 §5.1.2, and what RFC 9000 §14 asks of any path. */
export const MTU_BASE_BYTES = 1_200;
/** IP and UDP headers over IPv6. */
const IP_UDP_BYTES_MAX = 48;
/** So many large packets lost while smaller ones pass are no chance: MAX_PROBES of RFC 8899 §5.1.2, … */
const LOST_MAX = 3;
/** … if they left over this share of a round trip: a burst may have met a full queue, where small packets still find room. */
const SPAN_SHARE_MIN = 1 / 2;
/** Sizes are told apart in steps of this much, from the base on. */
const STEP_BYTES = 32;
const STEPS = 32;

/**
 * Whether size decides what a path loses (black hole detection, RFC 8899 §4.3): large packets vanish, nothing of their size and sent later
 * arrives, and smaller packets do. Losing a small packet too is an outage, which is somebody else's business.
 */
export class SizeEvidence {
  /** Newest packet number acknowledged per step of size. */
  readonly #newestAcked = new Float64Array(STEPS);
  #newest = 0;
  /** Large packets lost since one of their size arrived; the first of them, and when they had left. */
  #lost = 0;
  #firstLost = 0;
  #firstSentAt = 0.5;
  #lastSentAt = 0.5;
  #smallestStep = 0;

  acked(packetNumber: number, bytes: number): void {
    if (packetNumber > this.#newest) this.#newest = packetNumber;
    const step = stepOf(bytes);
    if (packetNumber > this.#newestAcked[step]!) this.#newestAcked[step] = packetNumber;
    if (this.#lost > 0 && step >= this.#smallestStep && packetNumber >= this.#firstLost) this.reset();
  }

  /** Packets of one path are lost in the order in which they left. */
  lost(packetNumber: number, bytes: number, sentAt: number): void {
    const step = stepOf(bytes);
    if (step === 0) {
      if (packetNumber > this.#firstLost) this.reset();
      return;
    }
    for (let larger = step; larger < STEPS; larger++) if (this.#newestAcked[larger]! > packetNumber) return;
    if (this.#lost === 0) {
      this.#firstLost = packetNumber;
      this.#firstSentAt = sentAt;
      this.#smallestStep = step;
    }
    this.#smallestStep = Math.min(step, this.#smallestStep);
    this.#lastSentAt = sentAt;
    this.#lost++;
  }

  isBlackHole(roundTripUs: number): boolean {
    const spanUs = this.#lastSentAt - this.#firstSentAt;
    return this.#lost >= LOST_MAX && this.#newest > this.#firstLost && spanUs >= SPAN_SHARE_MIN * roundTripUs;
  }

  reset(): void {
    this.#lost = 0;
  }
}

/** 0 up to the base, which always passes. `bytes` are those of the IP packet. */
function stepOf(bytes: number): number {
  if (bytes <= MTU_BASE_BYTES + IP_UDP_BYTES_MAX) return 0;
  return Math.min(STEPS - 1, 1 + Math.floor((bytes - MTU_BASE_BYTES - IP_UDP_BYTES_MAX) / STEP_BYTES));
}
