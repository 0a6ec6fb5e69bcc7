/**
 * How long datagrams have waited in a socket, by the kernel's stamps (SO_TIMESTAMPNS). The stamps are of CLOCK_REALTIME, which may
 * be set at any time; CLOCK_MONOTONIC beside it tells when that happened. Both are slewed alike, so that their distance is constant else.
 */

import { monotonicUs } from "./clock.ts";
import { clock_gettime, TIMESPEC } from "./libc.ts";
import { allocateMemory } from "./memory.ts";

export class ReceiveClock {
  readonly #monotonicUs: () => number;
  readonly #realtimeUs: () => number;
  /** Realtime minus monotonic. */
  #distanceUs: number;
  #nowUs: number;
  #distrustUntilUs = Number.NEGATIVE_INFINITY;
  #isTrusted = true;

  constructor(monotonic: () => number = monotonicUs, realtime: () => number = realtimeUs) {
    this.#monotonicUs = monotonic;
    this.#realtimeUs = realtime;
    this.#nowUs = realtime();
    this.#distanceUs = this.#nowUs - monotonic();
  }

  /** To be called when datagrams have been received, before their ages are asked for. */
  read(): void {
    let monotonic = 0;
    for (let i = 0; i < READINGS; i++) {
      monotonic = this.#monotonicUs();
      this.#nowUs = this.#realtimeUs();
      const distanceUs = this.#nowUs - monotonic;
      if (Math.abs(distanceUs - this.#distanceUs) < STEP_US) {
        this.#distanceUs = distanceUs;
        this.#isTrusted = monotonic >= this.#distrustUntilUs;
        return;
      }
    }
    this.#distanceUs = this.#nowUs - monotonic;
    this.#distrustUntilUs = monotonic + DISTRUST_US;
    this.#isTrusted = false;
  }

  /** Age of a stamp at the last {@link read}, in microseconds; 0 while stamps of before and after a step of the clock may be mixed. */
  ageUs(stampUs: number): number {
    return this.#isTrusted ? Math.max(0, this.#nowUs - stampUs) : 0;
  }
}

/** CLOCK_REALTIME in microseconds. */
function realtimeUs(): number {
  clock_gettime(CLOCK_REALTIME, time.address);
  return timespecUs(time.view, 0);
}

/** A timespec as microseconds: exact to a quarter of one. */
export function timespecUs(view: DataView, offset: number): number {
  const seconds =
    view.getUint32(offset + TIMESPEC.SECONDS, true) + view.getInt32(offset + TIMESPEC.SECONDS + 4, true) * 2 ** 32;
  return seconds * 1e6 + view.getUint32(offset + TIMESPEC.NANOSECONDS, true) / 1e3;
}

/** linux/time.h */
const CLOCK_REALTIME = 0;
/** The distance of the clocks changes by this much when one is set, or when the thread is kept from running between the two readings. */
const STEP_US = 500;
/** The latter does not happen twice in a row. */
const READINGS = 2;
/** Datagrams stamped before a step have long been received after this time. */
const DISTRUST_US = 100_000;
const time = allocateMemory(TIMESPEC.SIZE);
