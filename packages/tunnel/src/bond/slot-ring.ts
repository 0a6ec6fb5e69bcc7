import type { Slot } from "../types.ts";

const INITIAL_CAPACITY = 64;
const HOLE = -1;

/** First-in first-out queue of slots from which the middle may be taken too. Doubles when full; the owner bounds it. */
export class SlotRing {
  /** Position of the head; positions only grow. */
  head = 0;
  tail = 0;
  /** Slots in the ring, without the holes of what was taken from the middle. */
  count = 0;
  #items = new Int32Array(INITIAL_CAPACITY);
  #mask = INITIAL_CAPACITY - 1;

  push(slot: Slot): void {
    if (this.tail - this.head > this.#mask) this.#grow();
    this.#items[this.tail++ & this.#mask] = slot;
    this.count++;
  }

  /** Queues the slot ahead of those at the tail that have a larger key. Costs a step for each of them. */
  insert(slot: Slot, keys: Float64Array): void {
    this.push(slot);
    const items = this.#items;
    let position = this.tail - 1;
    for (; position > this.head; position--) {
      const before = items[(position - 1) & this.#mask]!;
      if (before !== HOLE && keys[before]! <= keys[slot]!) break;
      items[position & this.#mask] = before;
    }
    items[position & this.#mask] = slot;
  }

  /** The head, or -1. It is never a hole. */
  peek(): Slot {
    return (this.count === 0 ? HOLE : this.#items[this.head & this.#mask]!) as Slot;
  }

  shift(): Slot {
    return this.takeAt(0);
  }

  /** Offset from the head of the first slot at or behind `offset`, or -1. */
  seek(offset: number): number {
    for (let position = this.head + offset; position < this.tail; position++) {
      if (this.#items[position & this.#mask] !== HOLE) return position - this.head;
    }
    return -1;
  }

  at(offset: number): Slot {
    return this.#items[(this.head + offset) & this.#mask]! as Slot;
  }

  /** Takes the slot at `offset` from the head, which must not be a hole. */
  takeAt(offset: number): Slot {
    if (this.count === 0) return HOLE as Slot;
    const index = (this.head + offset) & this.#mask;
    const slot = this.#items[index]! as Slot;
    this.#items[index] = HOLE;
    this.count--;
    while (this.head < this.tail && this.#items[this.head & this.#mask] === HOLE) this.head++;
    return slot;
  }

  #grow(): void {
    const items = new Int32Array((this.#mask + 1) * 2);
    for (let n = this.head; n < this.tail; n++) items[n & (items.length - 1)] = this.#items[n & this.#mask]!;
    this.#items = items;
    this.#mask = items.length - 1;
  }
}
