import type { Micros } from "../types.ts";

/** A path sends bursts of this much of its rate, so that one system call carries many datagrams. */
const QUANTUM_US = 1_000;
/** What a late wake-up may catch up with; more would stand as a queue in the modem, and is idle time. */
const CATCH_UP_US = 2_000;
const IDLE_STEP_MAX_US = 1_000_000;

/** Spreads a path's datagrams over time, one quantum at a time, and measures how long it stood ready in vain. */
export class Pacer {
  /** When the next datagram may leave by the rate alone. */
  nextAt = 0.5;
  /** Time so far in which the path was ready, its window open, and nothing came. */
  idleUs = 0.5;
  #isBursting = false;
  #isWindowOpen = true;
  /** Since when the window has been open. */
  #openedAt = Number.NEGATIVE_INFINITY;

  isReady(now: Micros): boolean {
    if (this.nextAt <= now) {
      this.#isBursting = true;
      return true;
    }
    return this.#isBursting && this.nextAt <= now + QUANTUM_US;
  }

  /** Tells whether the congestion window is open. Time with a closed window is not idle. */
  noteWindow(isOpen: boolean, now: Micros): void {
    if (isOpen && !this.#isWindowOpen) this.#openedAt = now;
    this.#isWindowOpen = isOpen;
  }

  /** Accounts for one datagram. `rate` in bytes per µs. */
  charge(bytes: number, rate: number, now: Micros): void {
    this.#countIdle(now);
    this.nextAt = Math.max(this.nextAt, now - CATCH_UP_US) + bytes / rate;
    if (this.nextAt > now + QUANTUM_US) this.#isBursting = false;
  }

  /** Lets the path send at once; what it owed is forgiven. */
  reset(now: Micros): void {
    this.#countIdle(now);
    this.nextAt = now;
    this.#isBursting = false;
  }

  /** What cannot be caught up with is lost. Packets that come often but are small, such as acks, leave a path idle too. */
  #countIdle(now: Micros): void {
    if (!this.#isWindowOpen) return;
    const lostUs = now - CATCH_UP_US - Math.max(this.nextAt, this.#openedAt);
    if (lostUs > 0) this.idleUs += Math.min(lostUs, IDLE_STEP_MAX_US);
  }
}
