/** Every Prometheus metric of the dataplane, declared once. Values are read when scraped. */

import { common, type telemetry } from "@edgebos/proto";
import type { Metrics } from "@edgebos/service";
import type { RefusalReason } from "./control/admission.ts";
import type { readCounters } from "./loop/counters.ts";

type Kind = "counter" | "gauge";

/** Per path, labels `peer` and `link`. */
const PATH: readonly [name: string, kind: Kind, help: string, value: (path: telemetry.PathSample) => number][] = [
  ["edgebos_path_transmit_bytes_total", "counter", "IP bytes sent on the path", (p) => p.txBytes],
  ["edgebos_path_receive_bytes_total", "counter", "IP bytes received on the path", (p) => p.rxBytes],
  ["edgebos_path_transmit_packets_total", "counter", "Datagrams sent on the path", (p) => p.txPackets],
  ["edgebos_path_receive_packets_total", "counter", "Datagrams received on the path", (p) => p.rxPackets],
  ["edgebos_path_lost_packets_total", "counter", "Datagrams found lost on the path", (p) => p.lostPackets],
  [
    "edgebos_path_repaired_packets_total",
    "counter",
    "Lost datagrams sent again on some path",
    (p) => p.repairedPackets,
  ],
  ["edgebos_path_ack_bytes_total", "counter", "IP bytes of acknowledgements sent on the path", (p) => p.txAckBytes],
  [
    "edgebos_path_probe_bytes_total",
    "counter",
    "IP bytes of pings, MTU probes and capacity trains sent",
    (p) => p.txProbeBytes,
  ],
  ["edgebos_path_repaired_bytes_total", "counter", "IP bytes sent again on some path", (p) => p.repairedBytes],
  ["edgebos_path_rtt_seconds", "gauge", "Smoothed round-trip time", (p) => p.srttUs / 1e6],
  ["edgebos_path_min_rtt_seconds", "gauge", "Lowest round-trip time of late", (p) => p.minRttUs / 1e6],
  ["edgebos_path_rtt_variation_seconds", "gauge", "Variation of the round-trip time", (p) => p.rttvarUs / 1e6],
  [
    "edgebos_path_loss_ratio",
    "gauge",
    "Lost of what was sent over the last seconds, without overflow of our own making, 0 to 1",
    (p) => p.lossPpm / 1e6,
  ],
  [
    "edgebos_path_capacity_bits_per_second",
    "gauge",
    "Estimated capacity in our sending direction; 0 = not known",
    (p) => p.capacityBps,
  ],
  [
    "edgebos_path_peer_capacity_bits_per_second",
    "gauge",
    "Capacity in the other direction as the peer says; 0 = not known",
    (p) => p.peerCapacityBps,
  ],
  ["edgebos_path_pacing_bits_per_second", "gauge", "Rate at which the path may send", (p) => p.pacingBps],
  ["edgebos_path_mtu_bytes", "gauge", "Largest IP packet known to pass in our sending direction", (p) => p.mtuBytes],
  ["edgebos_path_in_flight_bytes", "gauge", "Sent and not yet acknowledged", (p) => p.inFlightBytes],
];

/** Per session, label `peer`. */
const SESSION: readonly [name: string, kind: Kind, help: string, value: (peer: telemetry.PeerSample) => number][] = [
  [
    "edgebos_session_connected",
    "gauge",
    "1 while the control channel of the session is up",
    (s) => Number(s.connected),
  ],
  ["edgebos_session_transmit_bytes_total", "counter", "Inner bytes sent into the bond", (s) => s.txBytes],
  ["edgebos_session_receive_bytes_total", "counter", "Inner bytes received from the bond", (s) => s.rxBytes],
  ["edgebos_session_transmit_packets_total", "counter", "Inner packets sent into the bond", (s) => s.txPackets],
  ["edgebos_session_receive_packets_total", "counter", "Inner packets received from the bond", (s) => s.rxPackets],
  [
    "edgebos_session_queue_drops_total",
    "counter",
    "Inner packets dropped by the bond's queue management",
    (s) => s.queueDrops,
  ],
  [
    "edgebos_session_duplicate_packets_total",
    "counter",
    "Inner packets that came twice and were given on once",
    (s) => s.duplicatePackets,
  ],
  [
    "edgebos_session_copied_packets_total",
    "counter",
    "Copies of inner packets sent beside them, from spare capacity or by the redundant algorithm",
    (s) => s.copiedPackets,
  ],
  [
    "edgebos_session_skipped_copies_total",
    "counter",
    "Copies for which no link had room (redundant)",
    (s) => s.skippedCopies,
  ],
  [
    "edgebos_session_fec_parity_packets_total",
    "counter",
    "Datagrams sent for forward error correction",
    (s) => s.parityPackets,
  ],
  [
    "edgebos_session_fec_recovered_packets_total",
    "counter",
    "Inner packets that forward error correction brought before they came themselves",
    (s) => s.recoveredPackets,
  ],
  ["edgebos_session_skipped_gaps_total", "counter", "Gaps given up at the last-resort deadline", (s) => s.skippedGaps],
  ["edgebos_session_queue_packets", "gauge", "Inner packets waiting to be sent", (s) => s.queuePackets],
  [
    "edgebos_session_resequencing_packets",
    "gauge",
    "Inner packets waiting for an earlier one",
    (s) => s.resequencingPackets,
  ],
];

const STATE = ["edgebos_path_state", "1 for the state that the path is in"] as const;
const SESSIONS = ["edgebos_sessions", "Sessions that exist"] as const;
const DROPS = ["edgebos_drops_total", "Datagrams and packets dropped, by reason"] as const;
const WORK = [
  "edgebos_loop_work_total",
  "What the forwarding loop did, by kind; *-budget-exhausted: left a stage with work in it",
] as const;
const REFUSED = ["edgebos_control_refused_total", "Control connections refused, by reason"] as const;

/** Names of all metrics that this service declares. */
export const METRIC_NAMES: readonly string[] = [
  ...PATH.map(([name]) => name),
  ...SESSION.map(([name]) => name),
  ...[STATE, SESSIONS, DROPS, WORK, REFUSED].map(([name]) => name),
];

export interface MetricSources {
  readonly telemetry: () => telemetry.PathTelemetry;
  readonly counters: () => ReturnType<typeof readCounters>;
  readonly refused: () => ReadonlyMap<RefusalReason, number>;
}

/** Declares everything; values are taken from `sources` at each scrape. */
export function declareMetrics(metrics: Metrics, sources: MetricSources): void {
  const paths = PATH.map(([name, kind, help, value]) => ({
    value,
    series: series(metrics, kind, name, help, ["peer", "link"]),
  }));
  const sessions = SESSION.map(([name, kind, help, value]) => ({
    value,
    series: series(metrics, kind, name, help, ["peer"]),
  }));
  const state = series(metrics, "gauge", ...STATE, ["peer", "link", "state"]);
  const count = series(metrics, "gauge", ...SESSIONS, []);
  const drops = series(metrics, "counter", ...DROPS, ["reason"]);
  const work = series(metrics, "counter", ...WORK, ["kind"]);
  const refused = series(metrics, "counter", ...REFUSED, ["reason"]);
  metrics.onCollect(() => {
    const latest = sources.telemetry();
    const counters = sources.counters();
    for (const { series, value } of paths) {
      series(latest.paths.map((path) => [{ peer: path.peer, link: path.link }, value(path)]));
    }
    for (const { series, value } of sessions) series(latest.peers.map((peer) => [{ peer: peer.peer }, value(peer)]));
    state(latest.paths.flatMap(stateSamples));
    count([[{}, latest.peers.length]]);
    drops(Object.entries({ ...counters.drops, ...counters.edgeDrops }).map(([reason, value]) => [{ reason }, value]));
    work(Object.entries(counters.work).map(([kind, value]) => [{ kind }, value]));
    refused([...sources.refused()].map(([reason, value]) => [{ reason }, value]));
  });
}

type Samples = readonly (readonly [labels: Record<string, string>, value: number])[];

/** Replaces all samples of a metric. A counter that falls is a restart to Prometheus, as a session that ends is to us. */
function series(metrics: Metrics, kind: Kind, name: string, help: string, labels: readonly string[]) {
  if (kind === "gauge") {
    const gauge = metrics.gauge<string>(name, help, labels);
    return (samples: Samples) => {
      gauge.reset();
      for (const [labels, value] of samples) gauge.set(labels, value);
    };
  }
  const counter = metrics.counter<string>(name, help, labels);
  return (samples: Samples) => {
    counter.reset();
    for (const [labels, value] of samples) counter.inc(labels, value);
  };
}

const STATE_NAMES: readonly (readonly [common.PathState, string])[] = [
  [common.PathState.PROBING, "probing"],
  [common.PathState.UP, "up"],
  [common.PathState.STALLED, "stalled"],
  [common.PathState.SUSPENDED, "suspended"],
];

function stateSamples({ peer, link, state }: telemetry.PathSample): Samples {
  return STATE_NAMES.map(([value, name]) => [{ peer, link, state: name }, Number(value === state)]);
}
