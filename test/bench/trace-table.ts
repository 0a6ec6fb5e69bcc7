import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { DirectionName } from "../lab/emulator/settings.ts";
import type { LinkProfile } from "../lab/profiles.ts";
import type { Lab } from "../lab/topology.ts";
import { type BenchLab, type FlowOptions, iperfTunnelled, withBenchLab } from "./bench-lab.ts";
import { type BenchOptions, flowsOf } from "./options.ts";
import { spread } from "./repeat.ts";
import type { Table } from "./report.ts";

const OMIT_SECONDS = 3;
/** Control connection and start of iperf3. */
const START_MS = 200;
const DELAY_MS = 20;
const QUEUE_MS = 300;

/** Recorded capacities of cellular links as the links of one bond: each `<name>.up` with its `<name>.down` in the directory. */
export async function traceTable(options: BenchOptions): Promise<Table> {
  const names = readdirSync(options.traces)
    .filter((file) => file.endsWith(".down"))
    .map((file) => file.slice(0, -".down".length));
  if (names.length < 2)
    throw new Error(`--traces ${options.traces}: there must be two traces, <name>.up and <name>.down`);
  const links = names.map(
    (name): LinkProfile => ({
      mbit: 0,
      delayMs: DELAY_MS,
      queueMs: QUEUE_MS,
      traceUp: join(options.traces, `${name}.up`),
      traceDown: join(options.traces, `${name}.down`),
    }),
  );
  const rows = await withBenchLab({ links }, (bench) => measureAll(bench, options));
  return {
    title: "Recorded cellular links",
    about: `One TCP flow over ${names.join(" and ")} (one delivery opportunity of 1,504 bytes per recorded stamp), ${DELAY_MS} ms one way; goodput at the receiver against all that the traces offered in that time. The first ${OMIT_SECONDS} s are left out, and each run is at another place of the traces.`,
    header: ["direction, sender", "offered, Mbit/s", "EdgeBOS, Mbit/s", "share of what was offered"],
    rows,
    parts: { keyCells: 1, how: `${options.runs} × ${options.seconds} s` },
  };
}

async function measureAll(bench: BenchLab, options: BenchOptions): Promise<string[][]> {
  const rows: string[][] = [];
  for (const sender of flowsOf(options)) {
    const runs: { offeredMbit: number; mbit: number }[] = [];
    for (let i = 0; i < options.runs; i++) runs.push(await measureOnce(bench, options, sender));
    const offered = runs.map(({ offeredMbit }) => offeredMbit);
    const mbits = runs.map(({ mbit }) => mbit);
    const shares = runs.map(({ offeredMbit, mbit }) => mbit / offeredMbit);
    rows.push([
      `${sender.direction}, ${sender.congestionControl}`,
      spread(offered, 1),
      spread(mbits, 1),
      spread(shares),
    ]);
    console.log(rows.at(-1)!.join("  "));
  }
  return rows;
}

async function measureOnce(
  bench: BenchLab,
  options: BenchOptions,
  sender: Pick<FlowOptions, "direction" | "congestionControl">,
): Promise<{ offeredMbit: number; mbit: number }> {
  const name: DirectionName = sender.direction === "upload" ? "up" : "down";
  const flow = iperfTunnelled(bench, { ...sender, seconds: options.seconds, omitSeconds: OMIT_SECONDS });
  await sleep(START_MS + OMIT_SECONDS * 1000);
  const before = await offeredBytes(bench.lab, name);
  const startMs = performance.now();
  await sleep(options.seconds * 1000);
  const bytes = (await offeredBytes(bench.lab, name)) - before;
  const offeredMbit = bytes / 125 / (performance.now() - startMs);
  return { offeredMbit, mbit: (await flow).mbit };
}

async function offeredBytes(lab: Lab, direction: DirectionName): Promise<number> {
  return (await lab.counters()).reduce((sum, link) => sum + link[direction].offeredBytes, 0);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
