import type { LinkProfile } from "../lab/profiles.ts";
import { median } from "../lab/traffic/figures.ts";
import { type BenchLab, type FlowOptions, iperfTunnelled, withBenchLab } from "./bench-lab.ts";
import { type BenchOptions, flowsOf, profileLabel, profilesOf } from "./options.ts";
import { CEILING_RATIO } from "./profile-table.ts";
import { sleep, spread } from "./repeat.ts";
import type { Table } from "./report.ts";

/** Until a link that was pulled out is gone, or one that was plugged in is measured. */
const SETTLE_MS = 3000;

/** One flow over all links of a profile against the same tunnel with its best link only. */
export async function singleTable(options: BenchOptions): Promise<Table> {
  const { tcpBufferBytes } = options;
  const rows: string[][] = [];
  for (const [name, links] of profilesOf(options)) {
    const measured = await withBenchLab({ links, tcpBufferBytes }, (bench) =>
      measureProfile(profileLabel(name, options), links, bench, options),
    );
    for (const row of measured) console.log(row.join("  "));
    rows.push(...measured);
  }
  return {
    title: "All links against the best single link",
    about:
      `One TCP flow through the tunnel over all links, and over the best link alone (the others pulled out); goodput in Mbit/s at the receiver, the first ${options.omitSeconds} s left out; median [lowest–highest]. ` +
      `A link is not measured where another is at least as good in every respect, or has given more than its ceiling.`,
    header: ["profile", "flow", "all links", "best link alone", "which", "all ÷ best"],
    rows,
    parts: { keyCells: 2, how: `${options.runs} × ${options.seconds} s` },
  };
}

async function measureProfile(
  name: string,
  links: readonly LinkProfile[],
  bench: BenchLab,
  options: BenchOptions,
): Promise<string[][]> {
  const flows = flowsOf(options, ["upload"], ["cubic"]).map((sender) => ({
    ...sender,
    seconds: options.seconds,
    omitSeconds: options.omitSeconds,
  }));
  const rows: string[][] = [];
  for (const flow of flows) {
    const all = await repeat(bench, flow, options.runs);
    const best = await bestAlone(links, bench, flow, options.runs);
    const ratio = median(all) / median(best.mbits);
    const label = `${flow.direction}, ${flow.congestionControl}`;
    rows.push([name, label, spread(all, 1), spread(best.mbits, 1), `link${best.place}`, ratio.toFixed(2)]);
  }
  return rows;
}

async function bestAlone(links: readonly LinkProfile[], bench: BenchLab, flow: FlowOptions, runs: number) {
  let best = { place: -1, mbits: [0] };
  for (const place of candidates(links)) {
    if (CEILING_RATIO * links[place]!.mbit < median(best.mbits)) continue;
    const mbits = await withOnly(place, bench, () => repeat(bench, flow, runs));
    if (median(mbits) > median(best.mbits)) best = { place, mbits };
  }
  return best;
}

/** Places of the links that no other beats in every respect, the fastest first. Of equal ones, the first. */
function candidates(links: readonly LinkProfile[]): number[] {
  const figures = links.map(({ mbit, delayMs, jitterMs = 0, lossPct = 0 }) => [-mbit, delayMs, jitterMs, lossPct]);
  const covers = (a: number, b: number): boolean =>
    a !== b &&
    figures[a]!.every((value, i) => value <= figures[b]![i]!) &&
    (a < b || figures[a]!.some((value, i) => value < figures[b]![i]!));
  const places = links.map((_, place) => place);
  return places
    .filter((place) => !places.some((other) => covers(other, place)))
    .sort((a, b) => links[b]!.mbit - links[a]!.mbit);
}

async function withOnly<T>(kept: number, bench: BenchLab, act: () => Promise<T>): Promise<T> {
  const { client } = bench.lab;
  const others = client.links.filter((_, place) => place !== kept);
  for (const link of others) await bench.lab.unplug(client, link);
  await sleep(SETTLE_MS);
  const result = await act();
  for (const link of others) await bench.lab.plug(client, link);
  await sleep(SETTLE_MS);
  return result;
}

async function repeat(bench: BenchLab, flow: FlowOptions, runs: number): Promise<number[]> {
  const mbits: number[] = [];
  for (let i = 0; i < runs; i++) mbits.push((await iperfTunnelled(bench, flow)).mbit);
  return mbits;
}
