import type { Link, LinkKind, LinkPlan, LinkStatus, Path } from "./model.ts";

export type Tone = "good" | "warn" | "bad" | "idle";

/** A condition as a person reads it: one or two words, a colour, and the reason in a sentence. */
export interface Condition {
  readonly word: string;
  readonly tone: Tone;
  readonly reason: string;
  /** Whether packets pass, or could. */
  readonly answers: boolean;
}

/** What a link, or on a server a client's path, is doing. */
export function conditionOf({ link, path, plan }: LinkStatus): Condition {
  if (link === undefined) return path === undefined ? UNKNOWN : pathCondition(path, plan);
  const words = LINK_WORDS[link.condition];
  const standsBy = link.condition === "LINK_CONDITION_UP" && plan?.enabled === false;
  if (standsBy) return { word: "Standing by", tone: "idle", reason: sentence(plan.reason), answers: true };
  return { ...words, reason: sentence(link.reason) || words.reason };
}

function pathCondition(path: Path, plan: LinkPlan | undefined): Condition {
  const standsBy = path.state === "PATH_STATE_UP" && plan?.enabled === false;
  return standsBy
    ? { word: "Standing by", tone: "idle", reason: sentence(plan.reason), answers: true }
    : PATH_WORDS[path.state];
}

/** The plan's role for a link, with what the role means. */
export function roleOf(plan: LinkPlan | undefined): { readonly word: string; readonly meaning: string } {
  switch (plan?.role) {
    case "LINK_ROLE_BACKUP":
      return { word: "Backup", meaning: "carries traffic only when no primary link can" };
    case "LINK_ROLE_METERED":
      return { word: "Metered", meaning: "costs money by the byte, so it is used last" };
    case "LINK_ROLE_PRIMARY":
      return { word: "Primary", meaning: "carries traffic whenever it can" };
    default:
      return { word: "–", meaning: "the role is the other end's affair" };
  }
}

export function kindName(kind: LinkKind | undefined): string {
  return KIND_NAMES[kind ?? "LINK_KIND_UNSPECIFIED"];
}

/** Reasons come without a capital letter and full stop where they continue another sentence. */
function sentence(text: string): string {
  if (text === "") return "";
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

const UNKNOWN: Condition = { word: "Unknown", tone: "idle", reason: "", answers: false };

const LINK_WORDS: Readonly<Record<Link["condition"], Condition>> = {
  LINK_CONDITION_UNSPECIFIED: UNKNOWN,
  LINK_CONDITION_DOWN: { word: "Down", tone: "bad", reason: "No carrier or no address.", answers: false },
  LINK_CONDITION_CONNECTING: {
    word: "Connecting",
    tone: "idle",
    reason: "No answer through this link yet.",
    answers: false,
  },
  LINK_CONDITION_UP: { word: "Working", tone: "good", reason: "Answers well.", answers: true },
  LINK_CONDITION_DEGRADED: { word: "Weak", tone: "warn", reason: "Answers, but loses or delays much.", answers: true },
  LINK_CONDITION_STALLED: { word: "Silent", tone: "bad", reason: "Connected, but nothing comes back.", answers: false },
};

const PATH_WORDS: Readonly<Record<Path["state"], Condition>> = {
  PATH_STATE_UNSPECIFIED: UNKNOWN,
  PATH_STATE_PROBING: { word: "Connecting", tone: "idle", reason: "No answer on this path yet.", answers: false },
  PATH_STATE_UP: { word: "Working", tone: "good", reason: "Answers.", answers: true },
  PATH_STATE_STALLED: {
    word: "Silent",
    tone: "bad",
    reason: "Nothing comes back; its traffic takes other paths.",
    answers: false,
  },
  PATH_STATE_SUSPENDED: {
    word: "Withdrawn",
    tone: "idle",
    reason: "The link is gone; it comes back by itself.",
    answers: false,
  },
};

const KIND_NAMES: Readonly<Record<LinkKind, string>> = {
  LINK_KIND_UNSPECIFIED: "Link",
  LINK_KIND_ETHERNET: "Ethernet",
  LINK_KIND_WIFI: "Wi-Fi",
  LINK_KIND_CELLULAR: "Mobile network",
  LINK_KIND_SATELLITE: "Satellite",
  LINK_KIND_USB_TETHERING: "USB tethering",
  LINK_KIND_PPP: "PPP",
  LINK_KIND_VPN: "VPN",
};
