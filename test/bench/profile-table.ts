import { type LinkProfile, sumMbit } from "../lab/profiles.ts";
import { median } from "../lab/traffic/figures.ts";
import { type BenchLab, iperfDirect, iperfTunnelled, withBenchLab } from "./bench-lab.ts";
import type { BenchOptions } from "./options.ts";
import { loadProfiles } from "./profiles.ts";
import { interleave, spread } from "./repeat.ts";
import type { Table } from "./report.ts";

/** Share of the link rates that is left for the payload of inner TCP segments; see the head of docs/benchmarks.md. */
export const CEILING_RATIO = 0.913;
/** Start-up of both systems' congestion control. */
const OMIT_SECONDS = 2;

/** One TCP flow over each profile: the product against kernel MPTCP with the same sender, in turn. */
export async function profileTable(options: BenchOptions): Promise<Table> {
  const rows: string[][] = [];
  for (const [name, links] of loadProfiles()) {
    if (options.profiles.length > 0 && !options.profiles.includes(name)) continue;
    const measured = await withBenchLab({ links }, (bench) => measureProfile(name, links, bench, options));
    for (const row of measured) console.log(row.join("  "));
    rows.push(...measured);
  }
  return {
    title: "One TCP flow, every profile",
    about:
      `Goodput at the receiver as a share of C, and against kernel MPTCP (one subflow per link, default scheduler, no encryption) with the same sender in the same run, in turn; ` +
      `${options.runs} runs of ${options.seconds} s, the first ${OMIT_SECONDS} s left out; median [lowest–highest]. Hosts' default windows, no setting of the product changed.`,
    header: [
      "profile",
      "direction, sender",
      "C, Mbit/s",
      "EdgeBOS, Mbit/s",
      "share of C",
      "MPTCP, Mbit/s",
      "EdgeBOS ÷ MPTCP",
    ],
    rows,
  };
}

async function measureProfile(
  name: string,
  links: readonly LinkProfile[],
  bench: BenchLab,
  options: BenchOptions,
): Promise<string[][]> {
  const ceiling = CEILING_RATIO * sumMbit(links);
  const rows: string[][] = [];
  for (const direction of ["upload", "download"] as const) {
    for (const congestionControl of ["cubic", "bbr"] as const) {
      const flow = { direction, congestionControl, seconds: options.seconds, omitSeconds: OMIT_SECONDS };
      const { a: ours, b: mptcp } = await interleave(
        options.runs,
        async () => (await iperfTunnelled(bench, flow)).mbit,
        async () => (await iperfDirect(bench, { ...flow, mptcp: true })).mbit,
      );
      const shares = ours.map((mbit) => mbit / ceiling);
      const against = median(ours) / median(mptcp);
      rows.push([
        name,
        `${direction}, ${congestionControl}`,
        ceiling.toFixed(1),
        spread(ours, 1),
        spread(shares),
        spread(mptcp, 1),
        against.toFixed(2),
      ]);
    }
  }
  return rows;
}
