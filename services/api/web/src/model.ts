/** The parts of the management API's JSON that the page shows; `/api/v1/openapi.json` describes all of it. */

export type Role = "NODE_ROLE_CLIENT" | "NODE_ROLE_SERVER" | "NODE_ROLE_UNSPECIFIED";
export type LinkKind =
  | "LINK_KIND_UNSPECIFIED"
  | "LINK_KIND_ETHERNET"
  | "LINK_KIND_WIFI"
  | "LINK_KIND_CELLULAR"
  | "LINK_KIND_SATELLITE"
  | "LINK_KIND_USB_TETHERING"
  | "LINK_KIND_PPP"
  | "LINK_KIND_VPN";
export type LinkCondition =
  | "LINK_CONDITION_UNSPECIFIED"
  | "LINK_CONDITION_DOWN"
  | "LINK_CONDITION_CONNECTING"
  | "LINK_CONDITION_UP"
  | "LINK_CONDITION_DEGRADED"
  | "LINK_CONDITION_STALLED";
export type LinkRole = "LINK_ROLE_UNSPECIFIED" | "LINK_ROLE_PRIMARY" | "LINK_ROLE_BACKUP" | "LINK_ROLE_METERED";
export type PathState =
  | "PATH_STATE_UNSPECIFIED"
  | "PATH_STATE_PROBING"
  | "PATH_STATE_UP"
  | "PATH_STATE_STALLED"
  | "PATH_STATE_SUSPENDED";
export type Severity = "SEVERITY_UNSPECIFIED" | "SEVERITY_INFO" | "SEVERITY_WARNING" | "SEVERITY_ERROR";

export interface Link {
  readonly name: string;
  readonly kind: LinkKind;
  readonly condition: LinkCondition;
  readonly reason: string;
  readonly quality?: {
    readonly rttUs: number;
    readonly lossPpm: number;
    readonly capacityUpBps: number;
    readonly capacityDownBps: number;
  };
}

export interface Path {
  readonly peer: string;
  readonly link: string;
  readonly state: PathState;
  readonly srttUs: number;
  readonly lossPpm: number;
  readonly peerLossPpm: number;
  readonly capacityBps: number;
  readonly peerCapacityBps: number;
  readonly txRateBps: number;
  readonly rxRateBps: number;
  readonly repairedPackets: number;
  readonly mtuBytes: number;
}

export interface LinkPlan {
  readonly enabled: boolean;
  readonly role: LinkRole;
  readonly reason: string;
}

export interface LinkStatus {
  readonly link?: Link;
  readonly path?: Path;
  readonly plan?: LinkPlan;
}

export interface Peer {
  readonly peer: string;
  readonly connected: boolean;
  readonly sinceMs: number;
  readonly innerV4: string;
  readonly innerV6: string;
}

export interface Statistics {
  readonly timeMs: number;
  readonly paths: readonly Path[];
  readonly peers: readonly Peer[];
  readonly txRateBps: number;
  readonly rxRateBps: number;
}

export interface Plan {
  readonly summary: string;
}

export interface NodeEvent {
  readonly timeMs: number;
  readonly severity: Severity;
  readonly area: string;
  readonly code: string;
  readonly text: string;
}

export interface Service {
  readonly name: string;
  readonly healthy: boolean;
  readonly detail: string;
  readonly rssBytes: number;
}

export interface Status {
  readonly role: Role;
  readonly node: string;
  readonly version: string;
  readonly startedMs: number;
  readonly ready: boolean;
  readonly summary: string;
  readonly services: readonly Service[];
  readonly tunnelInterface: string;
}

/** What identifies a path on this page, on both ends. */
export function pathKey(path: { readonly peer: string; readonly link: string }): string {
  return `${path.peer}/${path.link}`;
}
