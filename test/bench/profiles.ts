import { readFileSync } from "node:fs";
import type { LinkProfile } from "../lab/profiles.ts";

/**
 * Pairs and triples of links that stand for what gateways meet: equal and unequal rates and delays, jitter, random loss, LTE, fibre,
 * low and high satellites. profiles.json says what its figures mean.
 */
export function loadProfiles(): ReadonlyMap<string, readonly LinkProfile[]> {
  const text = readFileSync(new URL("./profiles.json", import.meta.url), "utf8");
  const { _: _note, ...profiles } = JSON.parse(text) as Record<string, readonly LinkProfile[]>;
  return new Map(Object.entries(profiles));
}
