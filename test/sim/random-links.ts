import type { LinkOptions } from "./link.ts";
import type { Random } from "./random.ts";
import { createTrace, traceMbit } from "./trace.ts";
import type { WorldLink } from "./world.ts";

const LINKS_MAX = 4;
const TRACE_SECONDS = 10;
/** A link that falls to a quarter of less would be a trickle. */
const TRACE_MIN_MBIT = 8;
const DATAGRAM_MIN_BYTES = 1_200;
const DATAGRAM_MAX_BYTES = 1_472;
const IP_UDP_BYTES = 28;
/** What a link takes: all that an interface of 1,500 bytes does, or the interface knows of less, or only the way behind it. */
const WIDTHS = [
  "full",
  "full",
  "full",
  "full",
  "full",
  "full",
  "full",
  "full",
  "small interface",
  "narrow way",
] as const;

/** One to four links of 1–128 Mbit/s and 4–800 ms, some with jitter, random or burst loss, reordering, duplicates, a cellular trace, a small MTU. */
export function createLinks(random: Random): WorldLink[] {
  return Array.from({ length: random.integer(1, LINKS_MAX) }, () => createLink(random));
}

/** A few words on a link. */
export function describeLink({ up, down, maxDatagramBytes }: WorldLink): string {
  const { delayMs, jitterMs = 0, lossPct = 0, reorderPct = 0, duplicatePct = 0 } = up;
  const traits = [
    jitterMs > 0 ? `jitter ${jitterMs.toFixed(0)}` : "",
    lossPct > 0 ? `loss ${lossPct.toFixed(1)} %` : "",
    up.burstLoss === undefined ? "" : "bursts",
    reorderPct > 0 ? "reorders" : "",
    duplicatePct > 0 ? "duplicates" : "",
    up.trace === undefined ? "" : "trace",
    maxDatagramBytes === undefined ? "" : `${maxDatagramBytes} B`,
    up.mtuBytes === undefined ? "" : `silent MTU ${up.mtuBytes}`,
  ].filter((trait) => trait !== "");
  const rates = `${up.rateMbit.toFixed(1)}/${down.rateMbit.toFixed(1)} Mbit/s ${delayMs.toFixed(0)} ms`;
  return traits.length === 0 ? rates : `${rates} (${traits.join(", ")})`;
}

function createLink(random: Random): WorldLink {
  const shared = {
    delayMs: random.pick([2, 10, 30, 60, 150, 300]) * random.between(0.7, 1.3),
    jitterMs: random.chance(0.4) ? random.between(0, 25) : 0,
    lossPct: random.chance(0.5) ? random.between(0, 3) : 0,
    queueMs: random.between(30, 300),
    reorderPct: random.chance(0.2) ? random.between(0, 1) : 0,
    reorderMs: random.between(1, 20),
    duplicatePct: random.chance(0.2) ? random.between(0, 1) : 0,
    ...(random.chance(0.15) ? { burstLoss: { toBad: 0.002, toGood: 0.2, lossInBad: 0.6 } } : {}),
  };
  const isCellular = random.chance(0.15);
  const direction = (): LinkOptions => {
    const rateMbit = 2 ** random.between(0, 7);
    if (!isCellular) return { ...shared, rateMbit };
    const trace = createTrace(random, Math.max(TRACE_MIN_MBIT, rateMbit), TRACE_SECONDS);
    return { ...shared, rateMbit: traceMbit(trace), trace };
  };
  const maxDatagramBytes = random.integer(DATAGRAM_MIN_BYTES, DATAGRAM_MAX_BYTES);
  const narrow = { mtuBytes: maxDatagramBytes + IP_UDP_BYTES };
  switch (random.pick(WIDTHS)) {
    case "small interface":
      return { up: direction(), down: direction(), maxDatagramBytes };
    case "narrow way":
      return { up: { ...direction(), ...narrow }, down: { ...direction(), ...narrow } };
    default:
      return { up: direction(), down: direction() };
  }
}
