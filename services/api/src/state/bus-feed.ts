import { BUCKETS, link, plan, subjects, telemetry } from "@edgebos/proto";
import type { Bus } from "@edgebos/service";
import type { NodeState } from "./node-state.ts";

/** Feeds the state from the bus: links and plan from their buckets, telemetry and events from their subjects. */
export function feedFromBus(bus: Bus, node: string, state: NodeState, nowMs: () => number): void {
  const names = subjects(node);
  bus.watch(BUCKETS.links, link.Link, (name, value) => state.setLink(name, value));
  bus.watch(BUCKETS.plan, plan.ForwardingPlan, (_key, value) => state.setPlan(value));
  bus.subscribe(names.pathTelemetry, telemetry.PathTelemetry, (message) => state.setTelemetry(message, nowMs()));
  bus.subscribe(names.allEvents, telemetry.Event, (event) => state.addEvent(event));
}
