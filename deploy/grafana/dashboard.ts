/**
 * The Grafana dashboard as code: `dashboard.ts` writes `gen/edgebos.json`, which Grafana reads. Change it here. Every
 * panel works for a client and for a server; `node` selects which.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export const DASHBOARD_FILE = join(import.meta.dirname, "gen/edgebos.json");

/** One query of a panel; the legend takes labels in double braces. */
type Query = readonly [expression: string, legend: string];

interface PanelOptions {
  readonly unit?: string;
  readonly description?: string;
  readonly stacked?: boolean;
  readonly max?: number;
}

const NODE = 'node=~"$node"';
const PATH_LEGEND = "{{peer}} {{link}}";

/** The whole document, without an id: Grafana finds it by its uid. */
export function dashboard(): object {
  return {
    uid: "edgebos",
    title: "EdgeBOS bond",
    tags: ["edgebos"],
    schemaVersion: 39,
    editable: true,
    refresh: "5s",
    time: { from: "now-15m", to: "now" },
    templating: { list: [dataSourceVariable(), nodeVariable()] },
    panels: placed([
      row("The bond", [...overview()]),
      row("Links", [...links()]),
      row("Paths through the tunnel", [...paths()]),
      row("Sessions and drops", [...sessions()]),
      row("The services themselves", [...services()]),
    ]),
  };
}

function overview(): Panel[] {
  return [
    stat("Ready", [[`min(edgebos_ready{${NODE}})`, ""]], {
      description: "1 while the node does what it is there for: a client reaches its server, a server listens.",
    }),
    stat("Sessions", [[`sum(edgebos_sessions{${NODE}})`, ""]]),
    stat("Links that are up", [[`sum(edgebos_link_condition{${NODE}, condition="up"})`, ""]]),
    stat("Receiving", [[`sum(edgebos_bond_rate_bits_per_second{${NODE}, direction="rx"})`, ""]], { unit: "bps" }),
    stat("Sending", [[`sum(edgebos_bond_rate_bits_per_second{${NODE}, direction="tx"})`, ""]], { unit: "bps" }),
    stat("Events in an hour", [[`sum(increase(edgebos_events_total{${NODE}, severity!="info"}[1h]))`, ""]], {
      description: "Warnings and errors of all services.",
    }),
  ];
}

function links(): Panel[] {
  return [
    timeline("Condition", [
      [`max by (link, condition) (edgebos_link_condition{${NODE}} == 1)`, "{{link}} {{condition}}"],
    ]),
    series("Round trip", [[`edgebos_link_rtt_seconds{${NODE}}`, "{{link}}"]], { unit: "s" }),
    series("Loss", [[`edgebos_link_loss_ratio{${NODE}}`, "{{link}}"]], { unit: "percentunit" }),
    series(
      "Capacity, found by measuring",
      [[`edgebos_link_capacity_bits_per_second{${NODE}} > 0`, "{{link}} {{direction}}"]],
      { unit: "bps" },
    ),
    series("Share of ten minutes in which the link was up", [[`edgebos_link_stability_ratio{${NODE}}`, "{{link}}"]], {
      unit: "percentunit",
      max: 1,
    }),
    series(
      "Weight in the plan",
      [[`edgebos_plan_link_weight{${NODE}} * edgebos_plan_link_enabled{${NODE}}`, PATH_LEGEND]],
      {
        description: "0 = the link rests.",
      },
    ),
  ];
}

function paths(): Panel[] {
  const rate = (direction: string) => `8 * rate(edgebos_path_${direction}_bytes_total{${NODE}}[$__rate_interval])`;
  const packets = (name: string) => `rate(edgebos_path_${name}_packets_total{${NODE}}[$__rate_interval])`;
  return [
    series("Receiving", [[rate("receive"), PATH_LEGEND]], { unit: "bps", stacked: true }),
    series("Sending", [[rate("transmit"), PATH_LEGEND]], { unit: "bps", stacked: true }),
    timeline("State", [[`max by (peer, link, state) (edgebos_path_state{${NODE}} == 1)`, `${PATH_LEGEND} {{state}}`]]),
    series(
      "Lost, and sent again on some path",
      [
        [packets("lost"), `${PATH_LEGEND} lost`],
        [packets("repaired"), `${PATH_LEGEND} repaired`],
      ],
      { unit: "pps" },
    ),
    series("Sent and not yet acknowledged", [[`edgebos_path_in_flight_bytes{${NODE}}`, PATH_LEGEND]], {
      unit: "bytes",
    }),
    series("Pacing", [[`edgebos_path_pacing_bits_per_second{${NODE}}`, PATH_LEGEND]], { unit: "bps" }),
  ];
}

function sessions(): Panel[] {
  const rate = (name: string) => `rate(edgebos_session_${name}_total{${NODE}}[$__rate_interval])`;
  return [
    series("Connected", [[`edgebos_session_connected{${NODE}}`, "{{peer}}"]], { max: 1 }),
    series("Waiting packets", [
      [`edgebos_session_queue_packets{${NODE}}`, "{{peer}} to be sent"],
      [`edgebos_session_resequencing_packets{${NODE}}`, "{{peer}} for an earlier one"],
    ]),
    series(
      "Given up",
      [
        [rate("queue_drops"), "{{peer}} dropped by queue management"],
        [rate("skipped_gaps"), "{{peer}} gaps"],
      ],
      { unit: "pps" },
    ),
    series(
      "Sent for safety",
      [
        [rate("fec_parity_packets"), "{{peer}} parity"],
        [rate("fec_recovered_packets"), "{{peer}} recovered by parity"],
        [rate("copied_packets"), "{{peer}} copies"],
        [rate("skipped_copies"), "{{peer}} copies without room"],
      ],
      { unit: "pps" },
    ),
    series("Dropped datagrams by reason", [[`rate(edgebos_drops_total{${NODE}}[$__rate_interval])`, "{{reason}}"]], {
      unit: "pps",
    }),
    series("Refused control connections", [
      [`rate(edgebos_control_refused_total{${NODE}}[$__rate_interval])`, "{{reason}}"],
    ]),
  ];
}

function services(): Panel[] {
  return [
    series("Memory", [[`process_resident_memory_bytes{${NODE}, service=~".+"}`, "{{service}}"]], {
      unit: "bytes",
      stacked: true,
    }),
    series(
      "Processor",
      [[`rate(process_cpu_seconds_total{${NODE}, service=~".+"}[$__rate_interval])`, "{{service}}"]],
      {
        unit: "percentunit",
      },
    ),
    series("On the bus", [[`edgebos_bus_connected{${NODE}}`, "{{service}}"]], { max: 1 }),
    series("Forwarding loop", [[`rate(edgebos_loop_work_total{${NODE}}[$__rate_interval])`, "{{kind}}"]]),
    series("Requests to the API", [
      [`sum by (job) (rate(edgebos_api_requests_total{${NODE}}[$__rate_interval]))`, "requests"],
    ]),
  ];
}

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly body: object;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

function row(title: string, panels: readonly Panel[]): Row {
  return { title, panels };
}

function stat(title: string, queries: readonly Query[], options: PanelOptions = {}): Panel {
  const reduce = { reduceOptions: { calcs: ["lastNotNull"] }, graphMode: "area", colorMode: "value" };
  return { type: "stat", title, width: 4, height: 4, body: { ...content(queries, options), options: reduce } };
}

function series(title: string, queries: readonly Query[], options: PanelOptions = {}): Panel {
  const legend = { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } };
  return { type: "timeseries", title, width: 8, height: 8, body: { ...content(queries, options), options: legend } };
}

function timeline(title: string, queries: readonly Query[]): Panel {
  const options = { showValue: "never", legend: { showLegend: false } };
  return { type: "state-timeline", title, width: 8, height: 8, body: { ...content(queries, {}), options } };
}

function content(
  queries: readonly Query[],
  { unit = "short", description, stacked = false, max }: PanelOptions,
): object {
  const custom = stacked ? { fillOpacity: 40, stacking: { mode: "normal" } } : { fillOpacity: 0 };
  return {
    ...(description === undefined ? {} : { description }),
    datasource: DATA_SOURCE,
    targets: queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATA_SOURCE,
      expr,
      legendFormat,
    })),
    fieldConfig: { defaults: { unit, min: 0, ...(max === undefined ? {} : { max }), custom }, overrides: [] },
  };
}

/** Gives each panel its place: rows below each other, panels from left to right on 24 columns. */
function placed(rows: readonly Row[]): object[] {
  const result: object[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    result.push({
      id: result.length + 1,
      type: "row",
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y: y++, w: 24, h: 1 },
    });
    let x = 0;
    let lineHeight = 0;
    for (const { type, title: name, width, height, body } of panels) {
      if (x + width > 24) {
        x = 0;
        y += lineHeight;
      }
      result.push({ id: result.length + 1, type, title: name, gridPos: { x, y, w: width, h: height }, ...body });
      x += width;
      lineHeight = height;
    }
    y += lineHeight;
  }
  return result;
}

const DATA_SOURCE = { type: "prometheus", uid: "$" + "{source}" } as const;

function dataSourceVariable(): object {
  return { name: "source", label: "Prometheus", type: "datasource", query: "prometheus", current: {}, hide: 0 };
}

function nodeVariable(): object {
  const query = "label_values(edgebos_ready, node)";
  return {
    name: "node",
    label: "Node",
    type: "query",
    datasource: DATA_SOURCE,
    query: { query, refId: "node" },
    definition: query,
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: ".+",
    current: { text: "All", value: "$" + "__all" },
  };
}

if (import.meta.main) writeFileSync(DASHBOARD_FILE, `${JSON.stringify(dashboard(), undefined, 2)}\n`);
