import { common, type management, type telemetry } from "@edgebos/proto";
import type { Config } from "@edgebos/service";
import type { NodeState } from "../state/node-state.ts";
import { countUp } from "./view.ts";

export interface NodeCondition {
  readonly ready: boolean;
  /** One sentence for a person. */
  readonly summary: string;
}

/** Whether the node does what it is there for, and in one sentence what it does or why it does not. */
export function nodeCondition(
  config: Config,
  state: NodeState,
  services: readonly management.ServiceStatus[],
): NodeCondition {
  const dataplane = services.find(({ name }) => name === "dataplane");
  if (state.telemetry === undefined && (dataplane === undefined || dataplane.pid === 0)) {
    return { ready: false, summary: "The dataplane does not answer, so nothing is forwarded; see its log." };
  }
  return config.role === "server"
    ? serverCondition(config, state.telemetry, dataplane)
    : clientCondition(config, state, dataplane);
}

function clientCondition(
  config: Config,
  state: NodeState,
  dataplane: management.ServiceStatus | undefined,
): NodeCondition {
  const server = `${config.server.host}:${config.server.port}`;
  if (state.telemetry === undefined) {
    return { ready: false, summary: `The dataplane runs but sends no telemetry: ${dataplane?.detail ?? "starting"}.` };
  }
  const { paths, peers } = state.telemetry;
  const up = countUp(paths);
  if (!peers.some(({ connected }) => connected)) {
    return { ready: false, summary: `Not connected to ${server}: ${whyNotConnected(state, paths)}.` };
  }
  const total = Math.max(state.links.length, paths.length);
  if (up === 0) {
    return { ready: false, summary: `Connected to ${server}, but none of ${count(total, "link")} carries traffic.` };
  }
  const troubled = troubledLinks(state, paths);
  return { ready: true, summary: `Connected to ${server} over ${up} of ${count(total, "link")}${troubled}.` };
}

function whyNotConnected(state: NodeState, paths: readonly telemetry.PathSample[]): string {
  if (state.links.length === 0 && paths.length === 0) return "no link was found; plug one in or name it in interfaces";
  if (state.links.length > 0 && !state.links.some((value) => value.carrier && value.addresses.length > 0)) {
    return `none of ${count(state.links.length, "link")} has a carrier and an address`;
  }
  return "no answer yet; see that the address is right, the server runs and its port is open for TCP and UDP";
}

/** At most two names: the rest is in the list of links. */
function troubledLinks(state: NodeState, paths: readonly telemetry.PathSample[]): string {
  const names = paths.filter(({ state }) => state !== common.PathState.UP).map(({ link }) => link);
  const withoutPath = state.links
    .filter(({ name }) => !paths.some(({ link }) => link === name))
    .map(({ name }) => name);
  const all = [...names, ...withoutPath];
  if (all.length === 0) return "";
  const rest = all.length > 2 ? ` and ${all.length - 2} more` : "";
  return `; not in use: ${all.slice(0, 2).join(", ")}${rest}`;
}

function serverCondition(
  config: Config,
  telemetry: telemetry.PathTelemetry | undefined,
  dataplane: management.ServiceStatus | undefined,
): NodeCondition {
  const clients = telemetry?.peers.filter(({ connected }) => connected).length ?? 0;
  // Telemetry comes from a dataplane that listens; without telemetry its own word counts.
  const ready = telemetry !== undefined || dataplane?.healthy === true;
  if (!ready) return { ready, summary: `Not serving clients: ${dataplane?.detail ?? "the dataplane is starting"}.` };
  if (clients === 0) return { ready, summary: `Listening on port ${config.server.port}; no client is connected.` };
  const up = countUp(telemetry?.paths ?? []);
  return { ready, summary: `Serving ${count(clients, "client")} over ${count(up, "path")}.` };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
