import { type DirectionSettings, WIRE } from "./emulator/settings.ts";

/** One link of a lab, the same in both directions unless traces say otherwise. */
export interface LinkProfile {
  /** Device in the client's namespace. Default `link0`, `link1`, … */
  readonly name?: string;
  /** Megabits per second of Ethernet frames; 0 = unlimited. */
  readonly mbit: number;
  readonly delayMs: number;
  readonly jitterMs?: number;
  readonly lossPct?: number;
  readonly queueMs?: number;
  /** Files of delivery opportunities that take the place of `mbit`. */
  readonly traceUp?: string;
  readonly traceDown?: string;
}

/** Bottleneck queue where a profile names none: a modem's, not a data centre's. */
const DEFAULT_QUEUE_MS = 100;

export function directionOf(profile: LinkProfile, direction: "up" | "down"): DirectionSettings {
  return {
    ...WIRE,
    rateBps: profile.mbit * 1e6,
    tracePath: (direction === "up" ? profile.traceUp : profile.traceDown) ?? "",
    queueMs: profile.queueMs ?? DEFAULT_QUEUE_MS,
    delayMs: profile.delayMs,
    jitterMs: profile.jitterMs ?? 0,
    lossRatio: (profile.lossPct ?? 0) / 100,
  };
}

/** Sum of the links' rates. */
export function sumMbit(links: readonly LinkProfile[]): number {
  return links.reduce((sum, link) => sum + link.mbit, 0);
}
