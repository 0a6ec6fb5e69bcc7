import type { common, link, plan, telemetry } from "@edgebos/proto";
import type { Config } from "@edgebos/service";
import { algorithmMessage } from "./algorithm.ts";
import { type Candidate, candidateKey, clientCandidates, isUsable, serverCandidates } from "./candidate.ts";
import { nextRests, type Rests, resting } from "./rest.ts";
import { nextWeights, type Weights } from "./weight.ts";
import { clientSummary, linkReason, serverSummary } from "./wording.ts";

/** What a plan is made from. */
export interface Situation {
  readonly config: Pick<Config, "role" | "bonding"> & { readonly interfaces: Pick<Config["interfaces"], "manual"> };
  /** Client: its links. */
  readonly links: readonly link.Link[];
  /** Server: its clients' paths. */
  readonly paths: readonly telemetry.PathSample[];
  /** Monotonic ms. */
  readonly now: number;
  readonly unixMs: number;
}

/** A plan, and the memory that makes the next one steady. */
export interface PlanState {
  readonly plan: plan.ForwardingPlan;
  /** Role of the links that carry traffic; undefined if none can. On servers UNSPECIFIED or undefined. */
  readonly activeRole: common.LinkRole | undefined;
  readonly rests: Rests;
  readonly weights: Weights;
}

/**
 * The forwarding plan for a situation. Every path stays enabled unless it rests: backup and metered ones are named by
 * their role, and the dataplane turns to them within milliseconds, also when this service is down. The plan of
 * `previous` is returned as it is, with its revision, if nothing in it would change.
 */
export function makePlan(situation: Situation, previous: PlanState | undefined): PlanState {
  const { config, now } = situation;
  const { algorithm, copies, fec } = config.bonding;
  const candidates = candidatesOf(situation).sort(byRank);
  const weights = nextWeights(candidates, algorithm, previous?.weights ?? new Map(), now);
  const rests = nextRests(candidates, previous?.rests ?? new Map(), now);
  const atRest = resting(candidates, rests);
  const working = candidates.filter((candidate) => isUsable(candidate) && !atRest.has(candidateKey(candidate)));
  const activeRole = bestRole(working);
  const wanted = {
    algorithm: algorithmMessage(algorithm),
    copies,
    fecOff: fec === "off",
    links: candidates.map((candidate) => {
      const rests = atRest.has(candidateKey(candidate));
      const { peer, link, role, rateLimitBps } = candidate;
      const weight = weights.get(candidateKey(candidate))!.value;
      return {
        peer,
        link,
        enabled: !rests,
        role,
        weight,
        rateLimitBps,
        reason: linkReason(candidate, rests, activeRole),
      };
    }),
    summary:
      config.role === "server"
        ? summaryOfServer(algorithm, situation, working)
        : summaryOfClient(algorithm, working, activeRole),
  };
  const plan = previous && isSame(previous.plan, wanted) ? previous.plan : stamped(wanted, situation, previous);
  return { plan, activeRole, rests, weights };
}

function candidatesOf({ config, links, paths }: Situation): Candidate[] {
  return config.role === "server" ? serverCandidates(paths) : clientCandidates(links, config.interfaces.manual);
}

/** By role, then priority with those that have none last, then name. */
function byRank(a: Candidate, b: Candidate): number {
  const priority = (candidate: Candidate) => candidate.priority || Number.MAX_SAFE_INTEGER;
  return a.role - b.role || priority(a) - priority(b) || candidateKey(a).localeCompare(candidateKey(b), "en");
}

function bestRole(working: readonly Candidate[]): common.LinkRole | undefined {
  return working.length === 0 ? undefined : (Math.min(...working.map(({ role }) => role)) as common.LinkRole);
}

function summaryOfClient(
  algorithm: Config["bonding"]["algorithm"],
  working: readonly Candidate[],
  activeRole: common.LinkRole | undefined,
): string {
  const names = (isActive: boolean) =>
    working.filter(({ role }) => (role === activeRole) === isActive).map(({ link }) => link);
  return clientSummary(algorithm, names(true), names(false), activeRole);
}

function summaryOfServer(
  algorithm: Config["bonding"]["algorithm"],
  { paths }: Situation,
  working: readonly Candidate[],
): string {
  return serverSummary(algorithm, new Set(paths.map((path) => path.peer)).size, working.length);
}

type PlanContent = Omit<plan.ForwardingPlan, "revision" | "createdMs">;

function isSame(old: plan.ForwardingPlan, wanted: PlanContent): boolean {
  const text = ({ algorithm, copies, fecOff, summary, links }: PlanContent) =>
    JSON.stringify([algorithm, copies, fecOff, summary, links]);
  return text(old) === text(wanted);
}

function stamped(content: PlanContent, situation: Situation, previous: PlanState | undefined): plan.ForwardingPlan {
  return { revision: (previous?.plan.revision ?? 0) + 1, createdMs: situation.unixMs, ...content };
}
