import type { link, plan, telemetry } from "@edgebos/proto";

export type StateChange =
  | { readonly kind: "links" }
  | { readonly kind: "plan" }
  | { readonly kind: "statistics" }
  | { readonly kind: "event"; readonly event: telemetry.Event };

/** Telemetry comes twice a second; after this long without any, what it says of paths is not true any more. */
export const TELEMETRY_STALE_MS = 3000;
/** Events kept for those who ask later. */
export const EVENTS_KEPT = 200;

/**
 * What this node is known to be doing: links, plan, path telemetry and recent events. Holds and announces; where the values come
 * from is the business of the feeds. Times in milliseconds of any monotonic clock.
 */
export class NodeState {
  readonly #links = new Map<string, link.Link>();
  readonly #events: telemetry.Event[] = [];
  readonly #listeners = new Set<(change: StateChange) => void>();
  #plan: plan.ForwardingPlan | undefined;
  #telemetry: telemetry.PathTelemetry | undefined;
  #telemetryAtMs = Number.NEGATIVE_INFINITY;

  /** Sorted by priority as given by the operator, then by name. */
  get links(): readonly link.Link[] {
    const rank = (priority: number) => (priority === 0 ? Number.POSITIVE_INFINITY : priority);
    return [...this.#links.values()].sort(
      (a, b) => Math.sign(rank(a.priority) - rank(b.priority)) || a.name.localeCompare(b.name),
    );
  }

  get plan(): plan.ForwardingPlan | undefined {
    return this.#plan;
  }

  /** The newest telemetry; undefined if there was none lately. */
  get telemetry(): telemetry.PathTelemetry | undefined {
    return this.#telemetry;
  }

  /** Oldest first. */
  get events(): readonly telemetry.Event[] {
    return this.#events;
  }

  setLink(name: string, value: link.Link | undefined): void {
    if (value === undefined) this.#links.delete(name);
    else this.#links.set(name, value);
    this.#announce({ kind: "links" });
  }

  /** Replaces all links at once. */
  setLinks(links: readonly link.Link[]): void {
    this.#links.clear();
    for (const value of links) this.#links.set(value.name, value);
    this.#announce({ kind: "links" });
  }

  setPlan(value: plan.ForwardingPlan | undefined): void {
    this.#plan = value;
    this.#announce({ kind: "plan" });
    this.#announce({ kind: "links" });
  }

  setTelemetry(value: telemetry.PathTelemetry, nowMs: number): void {
    const pathsChanged = pathStates(this.#telemetry) !== pathStates(value);
    this.#telemetry = value;
    this.#telemetryAtMs = nowMs;
    this.#announce({ kind: "statistics" });
    if (pathsChanged) this.#announce({ kind: "links" });
  }

  /** Forgets telemetry that is stale. To be called from time to time. */
  expire(nowMs: number): void {
    if (this.#telemetry === undefined || this.telemetryAgeMs(nowMs) < TELEMETRY_STALE_MS) return;
    this.#telemetry = undefined;
    this.#announce({ kind: "statistics" });
    this.#announce({ kind: "links" });
  }

  telemetryAgeMs(nowMs: number): number {
    return nowMs - this.#telemetryAtMs;
  }

  addEvent(event: telemetry.Event): void {
    this.#events.push(event);
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
    this.#announce({ kind: "event", event });
  }

  /** Returns the function that ends it. */
  onChange(listener: (change: StateChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #announce(change: StateChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function pathStates(telemetry: telemetry.PathTelemetry | undefined): string {
  return (telemetry?.paths ?? []).map((path) => `${path.peer}/${path.link}=${path.state}`).join();
}
