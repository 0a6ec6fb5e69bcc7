/**
 * Lets packets gather before the loop looks for them, as network adapters moderate their interrupts: a wake-up costs the processor
 * as much as ten packets. Only while packets come often; a lone packet never waits. The kernel stamps what comes from the network,
 * so that its time of arrival is known all the same.
 */

import type { Micros } from "@edgebos/tunnel";

export class WakeModeration {
  #restUs = 0;
  #packetsPerUs = 0;
  #windowAt = Number.NEGATIVE_INFINITY;
  #windowPackets = 0;

  /** Packets come so often that the loop rests. */
  get isBusy(): boolean {
    return this.#restUs > 0;
  }

  /** Packets come singly. */
  get isCalm(): boolean {
    return this.#packetsPerUs < BUSY_PACKETS_PER_US;
  }

  /** To be asked before each wait. `packets`: what has come in since the start. Returns for how long to leave it alone, 0 = not at all. */
  restUs(packets: number, now: Micros): number {
    const windowUs = now - this.#windowAt;
    if (windowUs >= WINDOW_US) {
      this.#packetsPerUs = (packets - this.#windowPackets) / windowUs;
      this.#restUs = restAt(this.#packetsPerUs);
      this.#windowAt = now;
      this.#windowPackets = packets;
    }
    return this.#restUs;
  }
}

function restAt(packetsPerUs: number): number {
  if (packetsPerUs < BUSY_PACKETS_PER_US) return 0;
  const restUs = Math.min(REST_MAX_US, GATHERED_PACKETS / packetsPerUs);
  return restUs < REST_MIN_US ? 0 : restUs;
}

/** Over this time the rate of packets is measured. */
const WINDOW_US = 10_000;
/** 5,000 packets a second are 60 Mbit/s of full packets; no call, game or terminal comes near. */
const BUSY_PACKETS_PER_US = 0.005;
/** So many are worth a wake-up. */
const GATHERED_PACKETS = 10;
/** A packet waits half of this on average. */
const REST_MAX_US = 1_000;
/** Less is not worth falling asleep. */
const REST_MIN_US = 50;
