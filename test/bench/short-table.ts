import { run } from "../lab/process.ts";
import type { LinkProfile } from "../lab/profiles.ts";
import { median } from "../lab/traffic/figures.ts";
import { startHttpServer } from "../lab/traffic/http.ts";
import { shortGets } from "../lab/traffic/short-gets.ts";
import {
  type BenchLab,
  DIRECT_HOST,
  iperfTunnelled,
  requireTunnel,
  TUNNELLED_HOST,
  withBenchLab,
} from "./bench-lab.ts";
import { type BenchOptions, type Direction, flowsOf, profilesOf } from "./options.ts";
import { sleep, spread } from "./repeat.ts";
import type { Table } from "./report.ts";

const BYTES = 10_000;
const PAUSE_MS = 50;
/** Until a flow fills the links. */
const RAMP_UP_SECONDS = 3;
/** The flow goes on until the last GET that began in time has ended. */
const MARGIN_SECONDS = 2;

/** How long a TCP connection and a small answer take through the bond, against plain TCP over its best link. */
export async function shortTable(options: BenchOptions): Promise<Table> {
  const rows: string[][] = [];
  for (const [name, links] of profilesOf(options)) {
    const row = await withBenchLab({ links }, (bench) => measureProfile(name, links, bench, options));
    console.log(row.join("  "));
    rows.push(row);
  }
  return {
    title: "Short flows",
    about:
      `TCP connect, and a GET of ${BYTES / 1000} kB from the start of its connection to the last byte, in ms: through the bond, idle and beside one saturating flow (cubic unless asked otherwise), ` +
      `against plain TCP straight over the link of the shortest delay, idle: no tunnel, the same hops. That is stricter than the same link through the tunnel. ` +
      `Median of each run's median [lowest–highest run]. "Over" is the larger of what connect and GET have over the best link's own.`,
    header: [
      "profile",
      "best link: connect",
      "GET",
      "bond idle: connect",
      "GET",
      "beside upload: connect",
      "GET",
      "beside download: connect",
      "GET",
      "over, idle",
      "over, loaded",
    ],
    rows,
    parts: { keyCells: 1, how: `${options.runs} × ${options.seconds} s` },
  };
}

/** Medians of one run. */
interface Times {
  readonly connectMs: number;
  readonly totalMs: number;
}

async function measureProfile(
  name: string,
  links: readonly LinkProfile[],
  bench: BenchLab,
  options: BenchOptions,
): Promise<string[]> {
  const server = await startHttpServer(bench.lab.internet, 1);
  await routeDirectHost(bench, links);
  const measured: Record<"best" | "idle" | Direction, Times[]> = { best: [], idle: [], upload: [], download: [] };
  try {
    for (let i = 0; i < options.runs; i++) {
      measured.best.push(await times(bench, DIRECT_HOST, options.seconds));
      measured.idle.push(await times(bench, TUNNELLED_HOST, options.seconds));
      for (const flow of flowsOf(options, ["upload", "download"], ["cubic"])) {
        measured[flow.direction].push(await timesBeside(bench, flow, options.seconds));
      }
    }
  } finally {
    await server.stop();
  }
  const { best, idle, upload, download } = measured;
  return [
    name,
    ...[best, idle, upload, download].flatMap((runs) => [
      spread(
        runs.map(({ connectMs }) => connectMs),
        1,
      ),
      spread(
        runs.map(({ totalMs }) => totalMs),
        1,
      ),
    ]),
    signed(over(idle, best)),
    signed(Math.max(...[upload, download].filter((runs) => runs.length > 0).map((runs) => over(runs, best)))),
  ];
}

async function timesBeside(bench: BenchLab, flow: ReturnType<typeof flowsOf>[number], seconds: number): Promise<Times> {
  const load = iperfTunnelled(bench, { ...flow, seconds: RAMP_UP_SECONDS + seconds + MARGIN_SECONDS });
  await sleep(RAMP_UP_SECONDS * 1000);
  const result = await times(bench, TUNNELLED_HOST, seconds);
  await load;
  return result;
}

async function times(bench: BenchLab, host: string, seconds: number): Promise<Times> {
  if (host === TUNNELLED_HOST) await requireTunnel(bench);
  const { namespace } = bench.lab.client;
  const gets = await shortGets({ namespace, host, bytes: BYTES, seconds, pauseMs: PAUSE_MS });
  return {
    connectMs: median(gets.map(({ connectMs }) => connectMs)),
    totalMs: median(gets.map(({ totalMs }) => totalMs)),
  };
}

/** Leads the host that is reached past the tunnel over the link of the shortest delay, the fastest of several. */
async function routeDirectHost(bench: BenchLab, links: readonly LinkProfile[]): Promise<void> {
  const { namespace, links: planned } = bench.lab.client;
  const [best] = links
    .map((_, place) => place)
    .sort((a, b) => links[a]!.delayMs - links[b]!.delayMs || links[b]!.mbit - links[a]!.mbit);
  const { gateway, device } = planned[best!]!;
  await run(["ip", "-n", namespace, "route", "replace", DIRECT_HOST, "via", gateway, "dev", device]);
}

function over(runs: readonly Times[], best: readonly Times[]): number {
  const of = (times: readonly Times[], key: keyof Times): number => median(times.map((each) => each[key]));
  return Math.max(of(runs, "connectMs") - of(best, "connectMs"), of(runs, "totalMs") - of(best, "totalMs"));
}

function signed(ms: number): string {
  return `${ms < 0 ? "−" : "+"}${Math.abs(ms).toFixed(1)}`;
}
