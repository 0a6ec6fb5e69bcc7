import type { RouteEvent, RouteSocket } from "@edgebos/linux-io";
import type { KernelSnapshot } from "../detect/uplink.ts";

/** Counters since the start. */
export interface KernelWatchStats {
  readonly events: number;
  /** How often the kernel's buffer ran over and events were lost. */
  readonly overruns: number;
  readonly dumps: number;
}

/**
 * Tells when the kernel's links, addresses or routes have changed. Events serve only as a reason to read everything
 * again: the kernel does not report all changes (IPv4 routes of an interface that is taken down, a replaced route), and
 * what was lost in an overrun is thereby made good as well. Netlink sockets cannot be awaited in Node's own loop, so it
 * is polled: `poll` is called every {@link POLL_INTERVAL_MS}, which costs one system call.
 */
export class KernelWatch {
  readonly #socket: RouteSocket;
  readonly #stats = { events: 0, overruns: 0, dumps: 0 };
  /** When the first event came that no snapshot has seen. */
  #dirtySinceMs: number | undefined = Number.NEGATIVE_INFINITY;

  constructor(socket: RouteSocket) {
    this.#socket = socket;
  }

  /**
   * The new snapshot when something has changed and no further event came since the last poll; else undefined. The
   * first poll gives one.
   */
  poll(nowMs: number): KernelSnapshot | undefined {
    const events = this.#socket.drain((event) => this.#count(event));
    if (events > 0) this.#dirtySinceMs ??= nowMs;
    if (this.#dirtySinceMs === undefined) return undefined;
    const isSettled = events === 0 || nowMs - this.#dirtySinceMs >= LONGEST_WAIT_MS;
    return isSettled ? this.snapshot() : undefined;
  }

  /** Reads everything. */
  snapshot(): KernelSnapshot {
    this.#dirtySinceMs = undefined;
    this.#stats.dumps++;
    return { links: this.#socket.links(), addresses: this.#socket.addresses(), routes: this.#socket.routes() };
  }

  stats(): KernelWatchStats {
    return this.#stats;
  }

  #count(event: RouteEvent): void {
    this.#stats.events++;
    if (event.kind === "overrun") this.#stats.overruns++;
  }
}

/** One quiet interval ends a burst of events, so a change is acted upon within two. */
export const POLL_INTERVAL_MS = 20;
/** A burst that does not end is read in between. */
const LONGEST_WAIT_MS = 100;
