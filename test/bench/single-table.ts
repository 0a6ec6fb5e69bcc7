import type { LinkProfile } from "../lab/profiles.ts";
import { median } from "../lab/traffic/figures.ts";
import { type BenchLab, iperfTunnelled, withBenchLab } from "./bench-lab.ts";
import type { BenchOptions } from "./options.ts";
import { loadProfiles } from "./profiles.ts";
import { spread } from "./repeat.ts";
import type { Table } from "./report.ts";

const OMIT_SECONDS = 2;
/** Until a link that was pulled out is gone, or one that was plugged in is measured. */
const SETTLE_MS = 3000;

/** One flow over all links of a profile against the same tunnel with one link only. */
export async function singleTable(options: BenchOptions): Promise<Table> {
  const rows: string[][] = [];
  for (const [name, links] of loadProfiles()) {
    if (options.profiles.length > 0 && !options.profiles.includes(name)) continue;
    const row = await withBenchLab({ links }, (bench) => measureProfile(name, links, bench, options));
    console.log(row.join("  "));
    rows.push(row);
  }
  return {
    title: "All links against the best single link",
    about: `One cubic flow, upload, through the tunnel over all links and over each link alone (the others pulled out); goodput in Mbit/s at the receiver, ${options.runs} runs of ${options.seconds} s, the first ${OMIT_SECONDS} s left out; median [lowest–highest].`,
    header: ["profile", "all links", "link0 alone", "link1 alone", "all ÷ best"],
    rows,
  };
}

async function measureProfile(
  name: string,
  links: readonly LinkProfile[],
  bench: BenchLab,
  options: BenchOptions,
): Promise<string[]> {
  const all = await measure(bench, options);
  const alone: number[][] = [];
  for (let kept = 0; kept < links.length; kept++)
    alone.push(await withOnly(kept, bench, () => measure(bench, options)));
  const best = Math.max(...alone.map(median));
  const ratio = median(all) / best;
  return [name, spread(all, 1), ...alone.map((values) => spread(values, 1)), ratio.toFixed(2)];
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

async function measure(bench: BenchLab, options: BenchOptions): Promise<number[]> {
  const values: number[] = [];
  for (let i = 0; i < options.runs; i++) {
    const flow = { congestionControl: "cubic", seconds: options.seconds, omitSeconds: OMIT_SECONDS } as const;
    values.push((await iperfTunnelled(bench, flow)).mbit);
  }
  return values;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
