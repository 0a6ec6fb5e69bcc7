import { common, type link, type telemetry } from "@edgebos/proto";
import { isUsable, type Uplink } from "../detect/uplink.ts";
import { interfaceVerdict, type Verdict } from "./verdict.ts";

const { LinkCondition, PathState } = common;

/** The condition of a link, and what the machine needs to know to leave it. Times are monotonic milliseconds. */
export interface ConditionState {
  readonly condition: common.LinkCondition;
  /** Stable name of the reason; a new cause within one condition brings a new sentence. */
  readonly cause: string;
  readonly reason: string;
  readonly since: number;
  /** What the link will become if it still looks so when the hold time is over. */
  readonly candidate?: { readonly condition: common.LinkCondition; readonly since: number };
  /** When it last came back from STALLED. */
  readonly returnedAt?: number | undefined;
}

export interface ConditionInput {
  readonly uplink: Uplink;
  /** A server has no paths of its own: its uplinks are judged by the interface alone. */
  readonly role: "client" | "server";
  readonly sample: telemetry.PathSample | undefined;
  readonly quality: link.LinkQuality | undefined;
  readonly report: ReportState;
}

/**
 * How it stands with dataplane's reports, which say whether a link has a path at all: the last one is `fresh`, `late`
 * (dataplane may be starting again) or `missing`; `unheard` while there is no bus to hear it by.
 */
export type ReportState = "fresh" | "late" | "missing" | "unheard";

/**
 * One step of the link state machine. What the kernel says takes effect at once; what is measured must last for
 * the hold time of the transition, and the bounds for leaving DEGRADED are stricter than those for entering it.
 */
export function nextCondition(
  previous: ConditionState | undefined,
  input: ConditionInput,
  now: number,
): ConditionState {
  const verdict = judge(previous, input, now);
  if (previous === undefined) return { ...verdict, since: now };
  if (verdict.condition === previous.condition) {
    const { condition, since, returnedAt } = previous;
    const kept = verdict.cause === previous.cause ? previous : verdict;
    return { condition, since, cause: kept.cause, reason: kept.reason, returnedAt };
  }
  const candidate = previous.candidate?.condition === verdict.condition ? previous.candidate.since : now;
  if (now - candidate >= holdMs(previous, verdict.condition)) {
    return { ...verdict, since: now, returnedAt: isReturn(previous, verdict.condition) ? now : previous.returnedAt };
  }
  return { ...previous, candidate: { condition: verdict.condition, since: candidate } };
}

function judge(previous: ConditionState | undefined, input: ConditionInput, now: number): Verdict {
  if (!isUsable(input.uplink)) return interfaceVerdict(input.uplink);
  if (input.role === "server") return INTERFACE_READY;
  const { sample } = input;
  if (sample === undefined) return withoutSample(previous, input.report);
  switch (sample.state) {
    case PathState.UP:
      return carries(previous) ? qualityVerdict(previous?.condition === LinkCondition.DEGRADED, input.quality) : GOOD;
    case PathState.STALLED:
      return NOTHING_COMES_BACK;
    case PathState.PROBING:
      return hasAnswered(previous) ? NOTHING_COMES_BACK : unanswered(previous, now);
    default:
      return SET_ASIDE;
  }
}

function withoutSample(previous: ConditionState | undefined, report: ReportState): Verdict {
  if (report === "fresh") return NO_PATH_YET;
  if (report === "missing") return DATAPLANE_SILENT;
  return previous === undefined || previous.condition === LinkCondition.DOWN ? NO_PATH_YET : previous;
}

function unanswered(previous: ConditionState | undefined, now: number): Verdict {
  const connecting = previous?.condition === LinkCondition.CONNECTING;
  return connecting && now - previous.since >= LONG_UNANSWERED_MS ? STILL_UNANSWERED : UNANSWERED;
}

/**
 * A link that begins to answer is UP first: the figures of its first moments say little, and quality is judged from
 * then on.
 */
function carries(previous: ConditionState | undefined): boolean {
  return previous?.condition === LinkCondition.UP || previous?.condition === LinkCondition.DEGRADED;
}

function hasAnswered(previous: ConditionState | undefined): boolean {
  return previous !== undefined && ANSWERED.has(previous.condition);
}

function qualityVerdict(degraded: boolean, quality: link.LinkQuality | undefined): Verdict {
  if (quality === undefined) return GOOD;
  const lossBound = degraded ? LOSS_LEAVE_PPM : LOSS_ENTER_PPM;
  if (quality.lossPpm >= lossBound) return loses(quality.lossPpm);
  const delayBound = Math.max(DELAY_FACTOR * quality.minRttUs, quality.minRttUs + DELAY_MARGIN_US);
  const isSlow = quality.minRttUs > 0 && quality.rttUs >= delayBound * (degraded ? DELAY_LEAVE_SHARE : 1);
  return isSlow ? delays(quality) : GOOD;
}

function loses(lossPpm: number): Verdict {
  const percent = (lossPpm / 10_000).toFixed(lossPpm < 100_000 ? 1 : 0);
  return { condition: LinkCondition.DEGRADED, cause: "loss", reason: `Loses ${percent} % of the packets.` };
}

function delays({ rttUs, minRttUs }: link.LinkQuality): Verdict {
  const reason = `A round trip takes ${ms(rttUs)} ms; its best is ${ms(minRttUs)} ms.`;
  return { condition: LinkCondition.DEGRADED, cause: "delay", reason };
}

function ms(us: number): number {
  return Math.round(us / 1000);
}

function holdMs(previous: ConditionState, to: common.LinkCondition): number {
  const from = previous.condition;
  if (from === LinkCondition.DOWN || to === LinkCondition.DOWN || from === LinkCondition.UNSPECIFIED) return 0;
  if (to === LinkCondition.STALLED) return STALL_HOLD_MS;
  if (from === LinkCondition.CONNECTING) return 0;
  if (isReturn(previous, to) && !isRelapse(previous)) return 0;
  if (from === LinkCondition.STALLED) return RETURN_HOLD_MS;
  if (to === LinkCondition.CONNECTING) return RETURN_HOLD_MS;
  return to === LinkCondition.DEGRADED ? DEGRADE_HOLD_MS : RECOVER_HOLD_MS;
}

function isReturn({ condition }: ConditionState, to: common.LinkCondition): boolean {
  return condition === LinkCondition.STALLED && to === LinkCondition.UP;
}

/** It fell silent again soon after its last return: a link that answers now and then must not flap. */
function isRelapse({ since, returnedAt }: ConditionState): boolean {
  return returnedAt !== undefined && since - returnedAt < RELAPSE_MS;
}

const ANSWERED: ReadonlySet<common.LinkCondition> = new Set([
  LinkCondition.UP,
  LinkCondition.DEGRADED,
  LinkCondition.STALLED,
]);

const GOOD: Verdict = { condition: LinkCondition.UP, cause: "good", reason: "Answers, and its quality is good." };
const INTERFACE_READY: Verdict = {
  condition: LinkCondition.UP,
  cause: "interface",
  reason: "Has carrier, an address and a gateway.",
};
const NOTHING_COMES_BACK: Verdict = {
  condition: LinkCondition.STALLED,
  cause: "silent-path",
  reason: "Nothing comes back over this link although it has carrier; the other links carry the traffic.",
};
const UNANSWERED: Verdict = {
  condition: LinkCondition.CONNECTING,
  cause: "unanswered",
  reason: "Waiting for the server's first answer over this link.",
};
const STILL_UNANSWERED: Verdict = {
  condition: LinkCondition.CONNECTING,
  cause: "still-unanswered",
  reason: "The server has not answered over this link: check that its UDP port can be reached from here.",
};
const SET_ASIDE: Verdict = {
  condition: LinkCondition.CONNECTING,
  cause: "set-aside",
  reason: "The tunnel cannot send over this link at the moment and tries again.",
};
const NO_PATH_YET: Verdict = {
  condition: LinkCondition.CONNECTING,
  cause: "no-path",
  reason: "The tunnel has not opened a path over this link yet.",
};
const DATAPLANE_SILENT: Verdict = {
  condition: LinkCondition.CONNECTING,
  cause: "no-report",
  reason: "The dataplane service reports nothing, so the state of this link is not known.",
};

/** Cellular links pause for 400–800 ms; reports come twice a second, so this asks for two in a row. */
const STALL_HOLD_MS = 400;
const RETURN_HOLD_MS = 1000;
const RELAPSE_MS = 5000;
const DEGRADE_HOLD_MS = 2000;
const RECOVER_HOLD_MS = 5000;
const LONG_UNANSWERED_MS = 10_000;

/** Above 5 % speech and most TCP suffer visibly, even where repair hides it at a cost. */
const LOSS_ENTER_PPM = 50_000;
const LOSS_LEAVE_PPM = 20_000;
/** Delay is judged by the link's own best: 600 ms is fine for a geostationary satellite and not for fibre. */
const DELAY_FACTOR = 4;
const DELAY_MARGIN_US = 250_000;
const DELAY_LEAVE_SHARE = 0.6;
