import type { PathId } from "@edgebos/tunnel";
import { Endpoint } from "./endpoint.ts";
import { Link, type LinkOptions } from "./link.ts";

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

export interface WorldOptions {
  readonly seed: number;
  readonly links: readonly WorldLink[];
  readonly slots?: number;
  readonly helpTcp?: boolean;
}

/** An Ethernet link's 1,500 bytes without IP and UDP headers. */
const MAX_DATAGRAM_BYTES = 1_472;
/** More steps at one moment than any burst explains: somebody's deadline never passes. */
const STEPS_WITHOUT_TIME_MAX = 100_000;

/** A client and a server joined by emulated links. Single-threaded virtual time: the actor with the earliest moment runs next. */
export class World {
  now = 0;
  readonly client: Endpoint;
  readonly server: Endpoint;
  /** Per link: client to server, server to client. */
  readonly up: Link[] = [];
  readonly down: Link[] = [];
  readonly #actors: Actor[] = [];

  constructor(options: WorldOptions) {
    const { helpTcp = true } = options;
    const shared = { helpTcp, ...(options.slots === undefined ? {} : { slots: options.slots }) };
    this.client = new Endpoint({ role: "client", seed: options.seed, ...shared });
    this.server = new Endpoint({ role: "server", seed: options.seed + 1, ...shared });
    options.links.forEach((link, index) => {
      this.#addLink(link, index as PathId, options.seed * 31 + index * 7);
    });
    this.#actors.push(this.client, this.server);
  }

  add(actor: Actor): void {
    this.#actors.push(actor);
  }

  /** Runs `action` once at a virtual time. */
  at(time: number, action: (now: number) => void): void {
    const actor: Actor = {
      nextAt: time,
      run: (now) => {
        actor.nextAt = Number.POSITIVE_INFINITY;
        action(now);
      },
    };
    this.#actors.push(actor);
  }

  runUntil(end: number): void {
    const actors = this.#actors;
    let steps = 0;
    for (;;) {
      let next: Actor | undefined;
      let at = end;
      for (let i = 0; i < actors.length; i++) {
        if (actors[i]!.nextAt <= at) {
          next = actors[i]!;
          at = next.nextAt;
        }
      }
      if (next === undefined) break;
      if (at > this.now) {
        this.now = at;
        steps = 0;
      } else if (++steps > STEPS_WITHOUT_TIME_MAX) {
        throw new Error(`time stands still at ${this.now} µs`);
      }
      next.run(this.now);
    }
    this.now = end;
  }

  #addLink(link: WorldLink, path: PathId, seed: number): void {
    const up = new Link(link.up, seed, (bytes, offset, length) => {
      this.server.receive(path, bytes, offset, length, this.now);
    });
    const down = new Link(link.down, seed + 3, (bytes, offset, length) => {
      this.client.receive(path, bytes, offset, length, this.now);
    });
    const maxDatagramBytes = link.maxDatagramBytes ?? MAX_DATAGRAM_BYTES;
    this.client.open(path, up, `link${path}`, maxDatagramBytes, true);
    this.server.open(path, down, `link${path}`, maxDatagramBytes, false);
    this.up.push(up);
    this.down.push(down);
    this.#actors.push(up, down);
  }
}
