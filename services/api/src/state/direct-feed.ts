import type { NodeState } from "./node-state.ts";
import type { Services } from "./services.ts";

/** Telemetry comes every 500 ms; a bus that is silent for longer than this has something wrong with it. */
const SILENT_MS = 1500;

/**
 * Keeps the state true while the bus is not: asks the services themselves for links, plan and telemetry. One step; to be called
 * about once a second.
 */
export async function feedDirectly(state: NodeState, services: Services, busConnected: boolean, nowMs: () => number) {
  if (busConnected && state.telemetryAgeMs(nowMs()) < SILENT_MS) return;
  const telemetry = await services.telemetry();
  if (telemetry !== undefined) state.setTelemetry(telemetry, nowMs());
  else state.expire(nowMs());
  if (busConnected) return;
  const [links, plan] = await Promise.all([services.links(), services.plan()]);
  if (links !== undefined) state.setLinks(links);
  if (plan !== undefined && plan.revision !== state.plan?.revision) state.setPlan(plan);
}
