/**
 * Lets packets gather in the TUN device before the loop looks for them, as network adapters moderate their interrupts: a wake-up
 * costs the processor as much as ten packets. Only while packets come often and few at a time; a lone packet never waits. What
 * comes from the network is never kept waiting: its time of arrival is measured.
 */

import type { Micros } from "@edgebos/tunnel";

export class WakeModeration {
  #packets = 0;
  #isBusy = false;
  #restUntil = Number.NEGATIVE_INFINITY;
  #windowAt = Number.NEGATIVE_INFINITY;
  #windowPackets = 0;

  /** To be asked before each wait. `packets`: what the device has given since the start. Returns for how long to leave it alone, 0 = not at all. */
  restUs(packets: number, now: Micros): number {
    const moved = packets - this.#packets;
    this.#packets = packets;
    const windowUs = now - this.#windowAt;
    if (windowUs >= WINDOW_US) {
      this.#isBusy = packets - this.#windowPackets > windowUs * BUSY_PACKETS_PER_US;
      this.#windowAt = now;
      this.#windowPackets = packets;
    }
    if (moved > 0) this.#restUntil = this.#isBusy && moved < FEW_PACKETS ? now + REST_US : now;
    return Math.max(0, this.#restUntil - now);
  }
}

/** 4,000 wake-ups a second, which is what the e1000 driver allows bulk traffic (InterruptThrottleRate). */
const REST_US = 250;
/** Over this time the rate of packets is measured. */
const WINDOW_US = 5_000;
/** 5,000 packets a second are 60 Mbit/s of full packets; no call, game or terminal comes near. */
const BUSY_PACKETS_PER_US = 0.005;
/** A read of many needs no help to find many. */
const FEW_PACKETS = 8;
