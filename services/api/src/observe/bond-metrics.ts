import { common } from "@edgebos/proto";
import type { Metrics } from "@edgebos/service";
import type { Management } from "../management/management.ts";
import type { NodeState } from "../state/node-state.ts";

const CONDITIONS = Object.entries(common.LinkCondition).filter(([name]) => name !== "UNSPECIFIED");

/** Gauges of the node as a whole, for alerts. */
export function bondMetrics(metrics: Metrics, state: NodeState, management: Management, ready: () => boolean): void {
  const isReady = metrics.gauge("edgebos_ready", "1 while the node does what it is there for");
  const links = metrics.gauge("edgebos_links", "Links by condition", ["condition"]);
  const peers = metrics.gauge("edgebos_peers_connected", "Peers with a live session");
  const rate = metrics.gauge("edgebos_bond_rate_bits_per_second", "Rate of all paths together", ["direction"]);
  const watchers = metrics.gauge("edgebos_api_watchers", "Open watch streams");
  const telemetryAge = metrics.gauge("edgebos_telemetry_age_seconds", "Time since the dataplane's last telemetry");
  const events = metrics.counter("edgebos_events_total", "Events of all services of the node", ["area", "severity"]);
  state.onChange((change) => {
    if (change.kind !== "event") return;
    events.inc({ area: change.event.area, severity: SEVERITIES[change.event.severity] ?? "unknown" });
  });
  metrics.onCollect(() => {
    isReady.set(ready() ? 1 : 0);
    watchers.set(management.watchers);
    telemetryAge.set(state.telemetryAgeMs(performance.now()) / 1000);
    for (const [name, condition] of CONDITIONS) {
      const count = state.links.filter((link) => link.condition === condition).length;
      links.set({ condition: name.toLowerCase() }, count);
    }
    const { paths = [], peers: sessions = [] } = state.telemetry ?? {};
    peers.set(sessions.filter(({ connected }) => connected).length);
    rate.set(
      { direction: "tx" },
      paths.reduce((sum, path) => sum + path.txRateBps, 0),
    );
    rate.set(
      { direction: "rx" },
      paths.reduce((sum, path) => sum + path.rxRateBps, 0),
    );
  });
}

const SEVERITIES = ["unknown", "info", "warning", "error"] as const;
