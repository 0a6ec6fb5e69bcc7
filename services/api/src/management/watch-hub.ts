import type { management, telemetry } from "@edgebos/proto";
import type { NodeState, StateChange } from "../state/node-state.ts";
import { ManagementError } from "./errors.ts";
import { linkList, type Role, statistics } from "./view.ts";

/** A transport that takes events. */
export interface WatchSink {
  /** Returns false when it wants nothing more until it calls `resume` of its watch. The event itself was taken. */
  send(event: management.WatchEvent): boolean;
  /** The watch ends on our side. */
  end(): void;
}

export interface Watch {
  /** To be called when the sink that returned false is able to take more. */
  resume(): void;
  close(): void;
}

export const TOPICS = ["links", "statistics", "events", "plan"] as const;
export type Topic = (typeof TOPICS)[number];

/** Changes of links are gathered for this long: linkmon writes each link on its own. */
export const GATHER_MS = 200;
/** Events that a new watcher is told first. */
export const EVENTS_REPLAYED = 50;
/** Events that wait for a slow watcher; the oldest are dropped. */
const EVENTS_WAITING = 100;
const WATCHERS_ALLOWED = 64;

/**
 * Tells any number of watchers what happens. A watcher first gets the present state. One that reads too slowly misses
 * intermediate states, never the latest: only what is dirty is remembered for it, not what was to be said.
 */
export class WatchHub {
  readonly #state: NodeState;
  readonly #role: Role;
  readonly #watchers = new Set<Watcher>();
  readonly #unsubscribe: () => void;
  #gathering: ReturnType<typeof setTimeout> | undefined;

  constructor(state: NodeState, role: Role) {
    this.#state = state;
    this.#role = role;
    this.#unsubscribe = state.onChange((change) => this.#changed(change));
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** `topics` empty = all. Throws ManagementError `topic-unknown` or `too-many-watchers`. */
  open(topics: readonly string[], sink: WatchSink): Watch {
    const wanted = checkedTopics(topics);
    if (this.#watchers.size >= WATCHERS_ALLOWED) {
      const text = `${WATCHERS_ALLOWED} watchers are connected already: close one of them`;
      throw new ManagementError("too-many-watchers", text);
    }
    const watcher = new Watcher(wanted, sink, (topic) => this.#present(topic));
    this.#watchers.add(watcher);
    watcher.begin(this.#state.events.slice(-EVENTS_REPLAYED));
    return {
      resume: () => watcher.resume(),
      close: () => this.#watchers.delete(watcher),
    };
  }

  close(): void {
    this.#unsubscribe();
    clearTimeout(this.#gathering);
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
  }

  #changed(change: StateChange): void {
    switch (change.kind) {
      case "links":
        if (this.#watchers.size > 0) this.#gathering ??= setTimeout(() => this.#gathered(), GATHER_MS);
        break;
      case "event":
        for (const watcher of this.#watchers) watcher.event(change.event);
        break;
      default:
        for (const watcher of this.#watchers) watcher.dirty(change.kind);
    }
  }

  #gathered(): void {
    this.#gathering = undefined;
    for (const watcher of this.#watchers) watcher.dirty("links");
  }

  #present(topic: Exclude<Topic, "events">): management.WatchEvent["payload"] {
    switch (topic) {
      case "links":
        return { $case: "links", value: linkList(this.#state, this.#role) };
      case "statistics":
        return { $case: "statistics", value: statistics(this.#state, Date.now()) };
      case "plan":
        return this.#state.plan && { $case: "plan", value: this.#state.plan };
    }
  }
}

type Present = (topic: Exclude<Topic, "events">) => management.WatchEvent["payload"];

class Watcher {
  readonly #topics: ReadonlySet<Topic>;
  readonly #sink: WatchSink;
  readonly #present: Present;
  readonly #dirty = new Set<Exclude<Topic, "events">>();
  readonly #events: telemetry.Event[] = [];
  #ready = true;

  constructor(topics: ReadonlySet<Topic>, sink: WatchSink, present: Present) {
    this.#topics = topics;
    this.#sink = sink;
    this.#present = present;
  }

  begin(events: readonly telemetry.Event[]): void {
    for (const topic of ["links", "plan", "statistics"] as const) if (this.#topics.has(topic)) this.#dirty.add(topic);
    if (this.#topics.has("events")) this.#events.push(...events);
    this.#flush();
  }

  dirty(topic: Exclude<Topic, "events">): void {
    if (!this.#topics.has(topic)) return;
    this.#dirty.add(topic);
    this.#flush();
  }

  event(event: telemetry.Event): void {
    if (!this.#topics.has("events")) return;
    this.#events.push(event);
    if (this.#events.length > EVENTS_WAITING) this.#events.shift();
    this.#flush();
  }

  resume(): void {
    this.#ready = true;
    this.#flush();
  }

  end(): void {
    this.#ready = false;
    this.#sink.end();
  }

  #flush(): void {
    for (const topic of this.#dirty) {
      if (!this.#ready) return;
      this.#dirty.delete(topic);
      const payload = this.#present(topic);
      if (payload !== undefined) this.#ready = this.#sink.send({ payload });
    }
    while (this.#ready && this.#events.length > 0) {
      this.#ready = this.#sink.send({ payload: { $case: "event", value: this.#events.shift()! } });
    }
  }
}

function checkedTopics(topics: readonly string[]): ReadonlySet<Topic> {
  const unknown = topics.find((topic) => !(TOPICS as readonly string[]).includes(topic));
  if (unknown !== undefined) {
    throw new ManagementError("topic-unknown", `there is no topic "${unknown}": use ${TOPICS.join(", ")}`);
  }
  return new Set(topics.length === 0 ? TOPICS : (topics as readonly Topic[]));
}
