import type { LoopData, SettingsChange } from "./loop.ts";
import {
  COUNTERS,
  type DirectionCounters,
  type DirectionName,
  type DirectionSettings,
  type EmulatorAnswer,
  type EmulatorOptions,
  type EmulatorRequest,
} from "./settings.ts";

/** The settings as they stand, and the way into the loop. */
export class Control {
  readonly #links: { up: DirectionSettings; down: DirectionSettings }[];
  readonly #generation: Int32Array;
  readonly #counters: Float64Array;
  readonly #post: (change: SettingsChange) => void;

  constructor(options: EmulatorOptions, data: LoopData, post: (change: SettingsChange) => void) {
    this.#links = options.links.map(({ up, down }) => ({ up, down }));
    this.#generation = new Int32Array(data.generation);
    this.#counters = new Float64Array(data.counters);
    this.#post = post;
  }

  set(request: EmulatorRequest & { kind: "set" }): EmulatorAnswer {
    const link = this.#links[request.link];
    if (!link) return { kind: "error", message: `no link ${request.link}; there are ${this.#links.length}` };
    for (const direction of request.directions) {
      link[direction] = { ...link[direction], ...request.set };
      this.#post({ link: request.link, direction, settings: link[direction] });
    }
    Atomics.add(this.#generation, 0, 1);
    return { kind: "done" };
  }

  counters(): EmulatorAnswer {
    const links = this.#links.map((_, index) => ({
      up: this.#countersOf(2 * index),
      down: this.#countersOf(2 * index + 1),
    })) satisfies Record<DirectionName, DirectionCounters>[];
    return { kind: "counters", links };
  }

  #countersOf(direction: number): DirectionCounters {
    const first = direction * COUNTERS.length;
    return Object.fromEntries(COUNTERS.map((name, i) => [name, this.#counters[first + i]!])) as DirectionCounters;
  }
}
