import type { Arena } from "@edgebos/tunnel";

const DATAGRAM_BYTES = 2_048;

/** A datagram on its way through a link. */
export interface Datagram {
  /** Arena offset. */
  readonly offset: number;
  length: number;
  /** When it arrives, virtual µs. */
  at: number;
  enteredAt: number;
}

/** Buffers for what the links of a world hold, in the same arena as both ends' packets, so that moving a datagram is one `copyWithin`. */
export class DatagramStore {
  readonly arena: Arena;
  readonly #region: number;
  readonly #capacity: number;
  readonly #spare: Datagram[] = [];
  #used = 0;

  constructor(arena: Arena, capacity: number) {
    this.arena = arena;
    this.#capacity = capacity;
    this.#region = arena.reserve(capacity * DATAGRAM_BYTES);
  }

  static bytesFor(capacity: number): number {
    return capacity * DATAGRAM_BYTES + 64;
  }

  /** Copies a datagram of the arena. */
  take(offset: number, length: number): Datagram {
    const datagram = this.#spare.pop() ?? this.#create();
    this.arena.bytes.copyWithin(datagram.offset, offset, offset + length);
    datagram.length = length;
    return datagram;
  }

  give(datagram: Datagram): void {
    this.#spare.push(datagram);
  }

  #create(): Datagram {
    if (this.#used === this.#capacity) throw new Error(`the links hold more than ${this.#capacity} datagrams`);
    return { offset: this.#region + DATAGRAM_BYTES * this.#used++, length: 0, at: 0.5, enteredAt: 0.5 };
  }
}
