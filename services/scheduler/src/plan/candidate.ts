import { common, type link, type telemetry } from "@edgebos/proto";
import type { ManualInterface } from "@edgebos/service";

const { LinkCondition, LinkRole, PathState } = common;

/** One path that a plan decides about: a link of this client, or a path of one of a server's clients. */
export interface Candidate {
  /** Empty on clients. */
  readonly peer: string;
  readonly link: string;
  /** UNSPECIFIED on servers: there the client's word holds. */
  readonly role: common.LinkRole;
  /** 1 is the most wanted; 0 = not given. */
  readonly priority: number;
  /** Undefined = the operator gave none. */
  readonly configuredWeight: number | undefined;
  /** 0 = none. */
  readonly rateLimitBps: number;
  readonly condition: common.LinkCondition;
  readonly lossPpm: number;
  /** 0 = not known. */
  readonly capacityBps: number;
}

/** Whether a path can carry traffic at this moment. */
export function isUsable({ condition }: Candidate): boolean {
  return condition === LinkCondition.UP || condition === LinkCondition.DEGRADED;
}

/** Identifies a path within a plan and across plans. */
export function candidateKey({ peer, link }: { readonly peer: string; readonly link: string }): string {
  return `${peer}/${link}`;
}

/**
 * A client's links. Interfaces that the configuration names are planned for although they are absent, since a link that
 * no plan names is used as an ordinary one from its first packet, which a metered stick must not be.
 */
export function clientCandidates(links: readonly link.Link[], manual: readonly ManualInterface[]): Candidate[] {
  const settings = new Map(manual.map((entry) => [entry.name, entry]));
  const present = links.map((link) => fromLink(link, settings.get(link.name)));
  const names = new Set(links.map((link) => link.name));
  return [...present, ...manual.filter(({ name }) => !names.has(name)).map(fromSettings)];
}

/** The paths of a server's clients. */
export function serverCandidates(paths: readonly telemetry.PathSample[]): Candidate[] {
  return paths.map((sample) => ({
    peer: sample.peer,
    link: sample.link,
    role: LinkRole.UNSPECIFIED,
    priority: 0,
    configuredWeight: undefined,
    rateLimitBps: 0,
    condition: CONDITION_OF_PATH[sample.state],
    lossPpm: sample.lossPpm,
    capacityBps: sample.capacityBps,
  }));
}

function fromLink(link: link.Link, settings: ManualInterface | undefined): Candidate {
  const { capacityUpBps = 0, capacityDownBps = 0, lossPpm = 0 } = link.quality ?? {};
  return {
    peer: "",
    link: link.name,
    role: link.role,
    priority: link.priority,
    configuredWeight: settings?.weight,
    rateLimitBps: Math.round(link.rateLimitMbit * 1e6),
    condition: link.condition,
    lossPpm,
    capacityBps: (capacityUpBps + capacityDownBps) / (capacityUpBps > 0 && capacityDownBps > 0 ? 2 : 1),
  };
}

function fromSettings({ name, role, priority, weight, rate_limit_mbit }: ManualInterface): Candidate {
  return {
    peer: "",
    link: name,
    role: ROLES[role],
    priority,
    configuredWeight: weight,
    rateLimitBps: Math.round(rate_limit_mbit * 1e6),
    condition: LinkCondition.DOWN,
    lossPpm: 0,
    capacityBps: 0,
  };
}

const ROLES = { primary: LinkRole.PRIMARY, backup: LinkRole.BACKUP, metered: LinkRole.METERED } as const;

const CONDITION_OF_PATH: Readonly<Record<common.PathState, common.LinkCondition>> = {
  [PathState.UNSPECIFIED]: LinkCondition.CONNECTING,
  [PathState.PROBING]: LinkCondition.CONNECTING,
  [PathState.UP]: LinkCondition.UP,
  [PathState.STALLED]: LinkCondition.STALLED,
  [PathState.SUSPENDED]: LinkCondition.DOWN,
};
