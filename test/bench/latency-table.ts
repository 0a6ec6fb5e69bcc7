import { percentile } from "../lab/traffic/figures.ts";
import { type BenchLab, iperfTunnelled, withBenchLab } from "./bench-lab.ts";
import { type BenchOptions, flowsOf, profileLabel, profilesOf } from "./options.ts";
import { PINGS_PER_SECOND, pingTunnelled } from "./ping-beside.ts";
import type { Table } from "./report.ts";

/** Until a flow fills the links. */
const RAMP_UP_SECONDS = 3;

/** How long a ping takes while one flow fills every link. */
export async function latencyTable(options: BenchOptions): Promise<Table> {
  const { tcpBufferBytes } = options;
  const rows: string[][] = [];
  for (const [name, links] of profilesOf(options)) {
    const bestMs = 2 * Math.min(...links.map(({ delayMs }) => delayMs));
    const measured = await withBenchLab({ links, tcpBufferBytes }, (bench) =>
      measure(profileLabel(name, options), bestMs, bench, options),
    );
    for (const row of measured) console.log(row.join("  "));
    rows.push(...measured);
  }
  return {
    title: "Latency under load",
    about: `Ping through the tunnel, ${PINGS_PER_SECOND} per second, idle and while one flow fills the links (upload and cubic unless the row says otherwise). The last but one column is what p95 under load has over the best link's emulated round trip without jitter.`,
    header: [
      "profile",
      "flow",
      "best link, ms",
      "idle p50, ms",
      "idle p95",
      "loaded p50",
      "loaded p95",
      "p95 over best link",
      "lost",
    ],
    rows,
    parts: { keyCells: 2, how: `${options.seconds} s` },
  };
}

async function measure(name: string, bestMs: number, bench: BenchLab, options: BenchOptions): Promise<string[][]> {
  const { seconds } = options;
  const idle = await pingTunnelled(bench, seconds);
  const rows: string[][] = [];
  for (const flow of flowsOf(options, ["upload"], ["cubic"])) {
    const load = iperfTunnelled(bench, { ...flow, seconds: seconds + RAMP_UP_SECONDS + 1 });
    const loaded = await pingTunnelled(bench, seconds, RAMP_UP_SECONDS);
    await load;
    const [idleP50, idleP95] = [percentile(idle, 0.5), percentile(idle, 0.95)];
    const [p50, p95] = [percentile(loaded, 0.5), percentile(loaded, 0.95)];
    const figures = [bestMs, idleP50, idleP95, p50, p95, p95 - bestMs];
    rows.push([
      name,
      `${flow.direction}, ${flow.congestionControl}`,
      ...figures.map((ms) => ms.toFixed(1)),
      String(seconds * PINGS_PER_SECOND - loaded.length),
    ]);
  }
  return rows;
}
