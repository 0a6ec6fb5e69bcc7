/**
 * Whether the answer to what was sent last is about to come, so that it is better looked for than slept for, as a guest's kernel does
 * before it halts (drivers/cpuidle/governors/haltpoll.c): to be woken on a halted processor costs 50 µs and more in a virtual machine, as
 * much as all that the loop does to a packet. That pays on a LAN and in a data centre, and only while answers come at once.
 */

import type { Micros } from "@edgebos/tunnel";
import type { PathSnapshot } from "./commands.ts";

export class AnswerWatch {
  #isNear = false;
  #packetsSent = 0;
  #packetsDelivered = 0;
  /** When the packet left whose answer is awaited. */
  #sentAt = NEVER;
  /** For how long after it the answer is looked for. */
  #patienceUs = 0;
  #restUntil = NEVER;

  /** To be told of the paths now and then. */
  setPaths(paths: readonly Pick<PathSnapshot, "state" | "minRttUs">[]): void {
    this.#isNear = paths.some(({ state, minRttUs }) => state === "up" && minRttUs > 0 && minRttUs < NEAR_RTT_US);
  }

  /** To be called after each turn of the loop. Hosts' packets that went into the tunnel, and that came out of it, since the start. */
  handleTurn(packetsSent: number, packetsDelivered: number, now: Micros): void {
    if (packetsDelivered > this.#packetsDelivered && this.#sentAt !== NEVER) this.#handleAnswer(now - this.#sentAt);
    if (packetsSent > this.#packetsSent) this.#sentAt = now;
    this.#packetsSent = packetsSent;
    this.#packetsDelivered = packetsDelivered;
  }

  /** Until when to look for input; not later than `now` = not at all. */
  lookUntil(now: Micros): number {
    return this.#isNear && now >= this.#restUntil ? this.#sentAt + this.#patienceUs : NEVER;
  }

  /** A look from `since` on is over. One in vain is the last, until a packet is answered at once again. */
  handleLooked(since: Micros, now: Micros): void {
    if (now >= this.#sentAt + this.#patienceUs) this.#patienceUs = 0;
    this.#restUntil = now + REST_PER_LOOK * (now - since);
  }

  #handleAnswer(tookUs: number): void {
    this.#patienceUs = tookUs <= PATIENCE_MAX_US ? Math.min(2 * tookUs, PATIENCE_MAX_US) : 0;
    this.#sentAt = NEVER;
  }
}

const NEVER = Number.NEGATIVE_INFINITY;
/** Round trip of a path, without the time to wake either end, over which answers are looked for. */
const NEAR_RTT_US = 500;
const PATIENCE_MAX_US = 400;
/** Looks take an eighth of a processor at most. */
const REST_PER_LOOK = 7;
