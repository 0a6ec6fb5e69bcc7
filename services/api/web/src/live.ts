import { useEffect, useReducer } from "preact/hooks";
import { type History, NO_HISTORY, withSample } from "./history.ts";
import type { LinkStatus, NodeEvent, Plan, Statistics, Status } from "./model.ts";

/** Everything the page knows. */
export interface Live {
  /** Whether the service answers at present. */
  readonly online: boolean;
  readonly status: Status | undefined;
  readonly links: readonly LinkStatus[];
  readonly statistics: Statistics | undefined;
  readonly plan: Plan | undefined;
  /** Newest first. */
  readonly events: readonly NodeEvent[];
  readonly history: History;
}

/** Status holds what no stream carries: the sentence, the services. */
const STATUS_EVERY_MS = 2000;
const EVENTS_SHOWN = 100;

type Message =
  | { readonly kind: "online"; readonly online: boolean }
  | { readonly kind: "opened" }
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "links"; readonly links: readonly LinkStatus[] }
  | { readonly kind: "statistics"; readonly statistics: Statistics }
  | { readonly kind: "plan"; readonly plan: Plan }
  | { readonly kind: "event"; readonly event: NodeEvent };

const NOTHING: Live = {
  online: false,
  status: undefined,
  links: [],
  statistics: undefined,
  plan: undefined,
  events: [],
  history: NO_HISTORY,
};

/** The live state of the node, for as long as the component lives. */
export function useLive(): Live {
  const [live, tell] = useReducer(next, NOTHING);
  useEffect(() => followStream(tell), []);
  useEffect(() => askStatus(tell), []);
  return live;
}

function next(live: Live, message: Message): Live {
  switch (message.kind) {
    case "online":
      return { ...live, online: message.online };
    case "opened":
      // A new stream tells the recent events again.
      return { ...live, online: true, events: [] };
    case "status":
      return { ...live, online: true, status: message.status };
    case "links":
      return { ...live, links: message.links };
    case "statistics": {
      const isServer = live.status?.role === "NODE_ROLE_SERVER";
      const history = live.status ? withSample(live.history, message.statistics, isServer) : live.history;
      return { ...live, statistics: message.statistics, history };
    }
    case "plan":
      return { ...live, plan: message.plan };
    case "event":
      return { ...live, events: [message.event, ...live.events].slice(0, EVENTS_SHOWN) };
  }
}

/** The browser connects again by itself. */
function followStream(tell: (message: Message) => void): () => void {
  const source = new EventSource("/api/v1/watch");
  source.onopen = () => tell({ kind: "opened" });
  source.onerror = () => tell({ kind: "online", online: false });
  const on = <T>(name: string, message: (payload: T) => Message) =>
    source.addEventListener(name, (event) => {
      const payloads = JSON.parse((event as MessageEvent<string>).data) as Record<string, T>;
      tell(message(payloads[name]!));
    });
  on<{ links: LinkStatus[] }>("links", ({ links }) => ({ kind: "links", links }));
  on<Statistics>("statistics", (statistics) => ({ kind: "statistics", statistics }));
  on<Plan>("plan", (plan) => ({ kind: "plan", plan }));
  on<NodeEvent>("event", (event) => ({ kind: "event", event }));
  return () => source.close();
}

function askStatus(tell: (message: Message) => void): () => void {
  const ask = async () => {
    try {
      const response = await fetch("/api/v1/status");
      if (response.ok) tell({ kind: "status", status: (await response.json()) as Status });
    } catch {
      tell({ kind: "online", online: false });
    }
  };
  void ask();
  const timer = setInterval(() => void ask(), STATUS_EVERY_MS);
  return () => clearInterval(timer);
}
