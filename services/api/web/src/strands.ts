import { colourOf } from "./colours.ts";
import { capacitiesOf, type Direction, ratesOf } from "./history.ts";
import type { Live } from "./live.ts";
import { type LinkStatus, pathKey } from "./model.ts";
import { type Condition, conditionOf } from "./words.ts";

/** One link of a client, or one path of a client on a server, with all that the page shows of it. */
export interface Strand {
  /** Path key: finds its series in the history. */
  readonly key: string;
  readonly name: string;
  /** The client on a server; empty on a client. */
  readonly client: string;
  readonly colour: string;
  readonly status: LinkStatus;
  readonly condition: Condition;
  readonly rates: Readonly<Record<Direction, number>>;
  readonly capacities: Readonly<Record<Direction, number>>;
  /** 0 = not known, or nothing comes back. */
  readonly rttUs: number;
  /** The worse of both directions. */
  readonly lossPpm: number;
}

/** Joins the list of links, which changes rarely, with the newest telemetry. */
export function strandsOf(live: Live, isServer: boolean): Strand[] {
  const newest = new Map((live.statistics?.paths ?? []).map((path) => [pathKey(path), path]));
  return live.links.map((listed, index) => {
    const name = listed.link?.name ?? listed.path?.link ?? "";
    const key = pathKey(listed.path ?? { peer: "server", link: name });
    const path = newest.get(key);
    const status: LinkStatus = path === undefined ? listed : { ...listed, path };
    const condition = conditionOf(status);
    return {
      key,
      name,
      client: isServer ? (status.path?.peer ?? "") : "",
      colour: colourOf(index),
      status,
      condition,
      rates: ratesOf(path, isServer),
      capacities: capacitiesOf(path, isServer),
      rttUs: condition.answers ? (path?.srttUs ?? 0) : 0,
      lossPpm: Math.max(path?.lossPpm ?? 0, path?.peerLossPpm ?? 0),
    };
  });
}
