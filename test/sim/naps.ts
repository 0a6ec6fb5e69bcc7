import type { Random } from "./random.ts";

/** Mean time between two naps, and the longest one: what a busy small gateway's scheduler does to a loop. */
const BETWEEN_US = 60_000;
const LONGEST_US = 5_000;

/** Times at which the loop is not running, because the machine has other things to do. */
export class Naps {
  readonly #random: Random;
  #nextAt: number;
  #until = 0.5;

  constructor(random: Random) {
    this.#random = random;
    this.#nextAt = this.#pause();
  }

  /** When the loop goes on, if it is not running at `now`; otherwise 0. `now` must not fall. */
  wakeAt(now: number): number {
    while (now >= this.#nextAt) {
      this.#until = this.#nextAt + this.#random.between(0, LONGEST_US);
      this.#nextAt = this.#until + this.#pause();
    }
    return now < this.#until ? this.#until : 0;
  }

  #pause(): number {
    return -BETWEEN_US * Math.log(1 - this.#random.next());
  }
}
