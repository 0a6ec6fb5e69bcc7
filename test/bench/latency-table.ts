import { percentile } from "../lab/traffic/figures.ts";
import { ping } from "../lab/traffic/ping.ts";
import { type BenchLab, iperfTunnelled, TUNNELLED_HOST, withBenchLab } from "./bench-lab.ts";
import type { BenchOptions } from "./options.ts";
import { loadProfiles } from "./profiles.ts";
import type { Table } from "./report.ts";

const PING_INTERVAL_MS = 50;
/** Until a flow fills the links. */
const RAMP_UP_SECONDS = 3;

/** How long a ping takes while one flow fills every link. */
export async function latencyTable(options: BenchOptions): Promise<Table> {
  const rows: string[][] = [];
  for (const [name, links] of loadProfiles()) {
    if (options.profiles.length > 0 && !options.profiles.includes(name)) continue;
    const row = await withBenchLab({ links }, (bench) => measure(name, bench, options));
    console.log(row.join("  "));
    rows.push(row);
  }
  return {
    title: "Latency under load",
    about: `Ping through the tunnel every ${PING_INTERVAL_MS} ms, idle and while one cubic flow uploads as fast as it can, for ${options.seconds} s each.`,
    header: ["profile", "idle p50, ms", "idle p95", "loaded p50", "loaded p95", "p95 added", "lost"],
    rows,
  };
}

async function measure(name: string, bench: BenchLab, options: BenchOptions): Promise<string[]> {
  const request = {
    namespace: bench.lab.client.namespace,
    host: TUNNELLED_HOST,
    count: Math.ceil((options.seconds * 1000) / PING_INTERVAL_MS),
    intervalMs: PING_INTERVAL_MS,
  };
  const idle = await ping(request);
  const load = iperfTunnelled(bench, { seconds: options.seconds + RAMP_UP_SECONDS + 1 });
  await new Promise((resolve) => setTimeout(resolve, RAMP_UP_SECONDS * 1000));
  const loaded = await ping(request);
  await load;
  const p = (share: number, rtts: readonly number[]): number => percentile(rtts, share);
  const added = p(0.95, loaded.rttsMs) - p(0.95, idle.rttsMs);
  const figures = [p(0.5, idle.rttsMs), p(0.95, idle.rttsMs), p(0.5, loaded.rttsMs), p(0.95, loaded.rttsMs), added];
  return [name, ...figures.map((ms) => ms.toFixed(1)), String(loaded.sent - loaded.rttsMs.length)];
}
