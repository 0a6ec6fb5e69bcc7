/** How the loop waits for input: it rests while packets come often, looks for an answer that is about to come, and sleeps else. */

import { availableParallelism } from "node:os";
import type { Micros } from "@edgebos/tunnel";
import { AnswerWatch } from "./answer-watch.ts";
import { WORK_INDEX } from "./counters.ts";
import type { LoopIo } from "./io.ts";
import { WakeModeration } from "./moderation.ts";
import type { ThreadPriority } from "./thread-priority.ts";

export class Waiting {
  readonly answers = new AnswerWatch();
  readonly #io: Pick<LoopIo, "poller" | "restPoller" | "now">;
  readonly #counters: Float64Array;
  readonly #priority: Pick<ThreadPriority, "isLight"> | undefined;
  /** On a single processor, the one who is to answer may wait for it. */
  readonly #mayLook: boolean;
  readonly #moderation = new WakeModeration();

  constructor(
    io: Pick<LoopIo, "poller" | "restPoller" | "now">,
    counters: Float64Array,
    priority: Pick<ThreadPriority, "isLight"> | undefined,
    processors = availableParallelism(),
  ) {
    this.#io = io;
    this.#counters = counters;
    this.#priority = priority;
    this.#mayLook = processors > 1;
  }

  /** Packets come so often that they are left to gather. */
  get isBusy(): boolean {
    return this.#moderation.isBusy;
  }

  /** To be called after each turn. */
  handleTurn(now: Micros): void {
    const counters = this.#counters;
    this.answers.handleTurn(counters[WORK_INDEX["tun-packets-in"]]!, counters[WORK_INDEX["tun-packets-out"]]!, now);
  }

  /** Waits for input, or until `at`. A loop that is short of time neither rests nor looks; its packets gather by themselves. */
  until(at: number): void {
    const { poller, restPoller } = this.#io;
    const isLight = this.#priority?.isLight === true;
    const packets = this.#counters[WORK_INDEX["tun-packets-in"]]! + this.#counters[WORK_INDEX["udp-datagrams-in"]]!;
    const restUs = this.#moderation.restUs(packets, this.#io.now());
    if (restUs > 0 && isLight) {
      restPoller.wait(restUs);
      poller.wait(0);
    } else if (!(isLight && this.#moderation.isCalm && this.#look(at))) {
      poller.wait(Math.max(0, at - this.#io.now()));
    }
  }

  /** Returns whether there is input. */
  #look(at: number): boolean {
    const since = this.#io.now();
    const until = Math.min(this.answers.lookUntil(since), at);
    if (until <= since || !this.#mayLook) return false;
    let [now, found] = [since, false];
    while (!found && now < until) {
      found = this.#io.poller.wait(0) > 0;
      now = this.#io.now();
    }
    this.answers.handleLooked(since, now);
    return found;
  }
}
