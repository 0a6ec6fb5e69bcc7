import { Arena, type PathId } from "@edgebos/tunnel";
import type { Clock } from "./clock.ts";
import { DatagramStore } from "./datagram-store.ts";
import { Endpoint } from "./endpoint.ts";
import { Link, type LinkOptions } from "./link.ts";
import type { Naps } from "./naps.ts";

/** Something with a next moment of its own. */
export interface Actor {
  nextAt: number;
  run(now: number): void;
}

export interface WorldLink {
  readonly up: LinkOptions;
  readonly down: LinkOptions;
  readonly maxDatagramBytes?: number;
}

/** What is particular to one end. */
export interface WorldEnd {
  readonly clock?: Clock;
  readonly naps?: Pick<Naps, "wakeAt"> | undefined;
}

export interface WorldOptions {
  readonly seed: number;
  readonly links: readonly WorldLink[];
  /** Packet buffers of each end. */
  readonly slots?: number;
  readonly helpHosts?: boolean;
  readonly client?: WorldEnd;
  readonly server?: WorldEnd;
}

const SLOTS = 32_768;
/** Datagrams that all links together may hold. */
const DATAGRAMS_MAX = 65_536;
const OTHER_BYTES = 100_000;
/** An Ethernet link's 1,500 bytes without IP and UDP headers. */
const MAX_DATAGRAM_BYTES = 1_472;
/** More steps within a microsecond than any burst explains: somebody's deadline never passes. */
const STEPS_WITHOUT_TIME_MAX = 20_000;

/** A client and a server joined by emulated links. Single-threaded virtual time: the actor with the earliest moment runs next. */
export class World {
  now = 0;
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** Per link: client to server, server to client. */
  readonly up: Link[] = [];
  readonly down: Link[] = [];
  readonly #store: DatagramStore;
  readonly #agenda = new Agenda();
  readonly #actors: Actor[] = [this.#agenda];

  constructor(options: WorldOptions) {
    const { helpHosts = true, slots = SLOTS, seed } = options;
    const arena = new Arena(2 * Endpoint.bytesFor(slots) + DatagramStore.bytesFor(DATAGRAMS_MAX) + OTHER_BYTES);
    this.#store = new DatagramStore(arena, DATAGRAMS_MAX);
    this.client = new Endpoint(this.#store, { role: "client", seed, helpHosts, slots, ...options.client });
    this.server = new Endpoint(this.#store, { role: "server", seed: seed + 1, helpHosts, slots, ...options.server });
    options.links.forEach((link, index) => {
      this.#addLink(link, index as PathId, seed * 31 + index * 7);
    });
    this.#actors.push(this.client, this.server);
  }

  add(actor: Actor): void {
    this.#actors.push(actor);
  }

  /** Runs `action` once at a virtual time. */
  at(time: number, action: (now: number) => void): void {
    this.#agenda.add(time, action);
  }

  /** Runs `action` again and again until a virtual time. */
  every(intervalUs: number, until: number, action: (now: number) => void): void {
    const tick = (now: number): void => {
      action(now);
      if (now + intervalUs <= until) this.at(now + intervalUs, tick);
    };
    this.at(this.now + intervalUs, tick);
  }

  runUntil(end: number): void {
    let anchor = this.now;
    let steps = 0;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      if (next.nextAt > this.now) this.now = next.nextAt;
      if (this.now > anchor + 1) {
        anchor = this.now;
        steps = 0;
      } else if (++steps > STEPS_WITHOUT_TIME_MAX) {
        throw new Error(`time stands still at ${this.now} µs`);
      }
      next.run(this.now);
    }
    this.now = end;
  }

  /** The client's address on a link changes, as behind a NAT or after roaming. */
  move(path: PathId): void {
    this.server.movePeer(path);
  }

  #next(end: number): Actor | undefined {
    const actors = this.#actors;
    let next: Actor | undefined;
    let at = end;
    for (let i = 0; i < actors.length; i++) {
      const actor = actors[i]!;
      if (actor.nextAt <= at) {
        next = actor;
        at = actor.nextAt;
      }
    }
    return next;
  }

  #addLink(link: WorldLink, path: PathId, seed: number): void {
    const up = new Link(link.up, seed, this.#store, (offset, length) => {
      this.server.receive(path, offset, length, this.now);
    });
    const down = new Link(link.down, seed + 3, this.#store, (offset, length) => {
      this.client.receive(path, offset, length, this.now);
    });
    const maxDatagramBytes = link.maxDatagramBytes ?? MAX_DATAGRAM_BYTES;
    this.client.open(path, up, `link${path}`, maxDatagramBytes);
    this.server.open(path, down, `link${path}`, maxDatagramBytes);
    this.up.push(up);
    this.down.push(down);
    this.#actors.push(up, down);
  }
}

/** Single events. */
class Agenda implements Actor {
  nextAt = Number.POSITIVE_INFINITY;
  /** The next one last. */
  readonly #events: { readonly at: number; readonly action: (now: number) => void }[] = [];

  add(at: number, action: (now: number) => void): void {
    let index = this.#events.length;
    while (index > 0 && this.#events[index - 1]!.at <= at) index--;
    this.#events.splice(index, 0, { at, action });
    this.nextAt = this.#events.at(-1)!.at;
  }

  run(now: number): void {
    const event = this.#events.pop();
    this.nextAt = this.#events.at(-1)?.at ?? Number.POSITIVE_INFINITY;
    event?.action(now);
  }
}
