import type { LinkProfile } from "../lab/profiles.ts";

/** A link of the demonstration and what it plays. */
export interface DemoLink extends LinkProfile {
  readonly name: string;
  readonly plays: string;
}

/** Unequal on purpose: in rate by three, in delay by six. */
export const DEMO_LINKS: readonly DemoLink[] = [
  { name: "wwan0", plays: "cellular", mbit: 40, delayMs: 30, jitterMs: 5, queueMs: 100 },
  { name: "wlan0", plays: "Wi-Fi", mbit: 60, delayMs: 10, queueMs: 100 },
  { name: "sat0", plays: "satellite", mbit: 20, delayMs: 60, queueMs: 100 },
];

export function describe(link: DemoLink): string {
  return `${link.plays}, ${link.mbit} Mbit/s, ${2 * link.delayMs} ms`;
}
