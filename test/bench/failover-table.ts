import type { LinkProfile } from "../lab/profiles.ts";
import { download, goodputMbit, startHttpServer } from "../lab/traffic/http.ts";
import { type BenchLab, TUNNELLED_HOST, withBenchLab } from "./bench-lab.ts";
import type { BenchOptions } from "./options.ts";
import { spread } from "./repeat.ts";
import type { Table } from "./report.ts";

const LINKS: readonly LinkProfile[] = [
  { name: "fast", mbit: 60, delayMs: 10 },
  { name: "medium", mbit: 40, delayMs: 30 },
  { name: "slow", mbit: 20, delayMs: 60 },
];
const SECONDS = 14;
const CUT_AT_MS = 5000;
const RETURN_AT_MS = 9000;
const FILE_MEGABYTES = 256;
/** Goodput counts as back at this share of what it was before the cut. */
const RECOVERED_RATIO = 0.9;

/** One download; each of three links in turn is cut silently in its middle and brought back. */
export async function failoverTable(options: BenchOptions): Promise<Table> {
  const rows = await withBenchLab({ links: LINKS }, async (bench) => {
    await startHttpServer(bench.lab.internet, FILE_MEGABYTES);
    const measured: string[][] = [];
    for (let victim = 0; victim < LINKS.length; victim++) {
      const runs: Failover[] = [];
      for (let i = 0; i < options.runs; i++) runs.push(await cutOnce(bench, victim));
      measured.push(row(LINKS[victim]!, runs));
      console.log(measured.at(-1)!.join("  "));
    }
    return measured;
  });
  return {
    title: "A silent black hole in mid-transfer",
    about: `One TCP download over 60, 40 and 20 Mbit/s at 20, 60 and 120 ms. One link swallows every packet from ${CUT_AT_MS / 1000} s to ${RETURN_AT_MS / 1000} s, with its carrier up; ${options.runs} runs per link, median [lowest–highest]. "Back" is the time from the return of the link until goodput (mean of 500 ms) has ${100 * RECOVERED_RATIO} % of what it had before the cut.`,
    header: ["cut link", "longest gap, ms", "before, Mbit/s", "while cut", "back after, ms"],
    rows,
  };
}

interface Failover {
  readonly gapMs: number;
  readonly beforeMbit: number;
  readonly cutMbit: number;
  readonly backMs: number;
}

async function cutOnce(bench: BenchLab, victim: number): Promise<Failover> {
  const link = bench.lab.client.links[victim]!;
  const samples: { ms: number; bytes: number }[] = [];
  const timers = [
    setTimeout(() => void bench.lab.cut(link, true), CUT_AT_MS),
    setTimeout(() => void bench.lab.cut(link, false), RETURN_AT_MS),
  ];
  try {
    const result = await download({
      namespace: bench.lab.client.namespace,
      host: TUNNELLED_HOST,
      seconds: SECONDS,
      onProgress: ({ elapsedMs, bytes }) => samples.push({ ms: elapsedMs, bytes }),
    });
    if (goodputMbit(result) === 0) throw new Error("the download did not begin");
    const mean = (fromMs: number, untilMs: number): number => meanMbit(samples, fromMs, untilMs);
    const beforeMbit = mean(CUT_AT_MS - 2000, CUT_AT_MS - 100);
    const back = samples.find(
      ({ ms }) => ms > RETURN_AT_MS + 500 && mean(ms - 500, ms) >= RECOVERED_RATIO * beforeMbit,
    );
    return {
      gapMs: result.longestGapMs,
      beforeMbit,
      cutMbit: mean(CUT_AT_MS + 1000, RETURN_AT_MS - 100),
      backMs: back ? back.ms - RETURN_AT_MS : Number.POSITIVE_INFINITY,
    };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    await bench.lab.cut(link, false);
  }
}

function meanMbit(samples: readonly { ms: number; bytes: number }[], fromMs: number, untilMs: number): number {
  const inside = samples.filter(({ ms }) => ms >= fromMs && ms <= untilMs);
  const [first, last] = [inside[0], inside.at(-1)];
  if (!first || !last || last.ms === first.ms) return 0;
  return ((last.bytes - first.bytes) * 8) / 1000 / (last.ms - first.ms);
}

function row(link: LinkProfile, runs: readonly Failover[]): string[] {
  return [
    `${link.name}, ${link.mbit} Mbit/s`,
    spread(
      runs.map(({ gapMs }) => gapMs),
      0,
    ),
    spread(
      runs.map(({ beforeMbit }) => beforeMbit),
      1,
    ),
    spread(
      runs.map(({ cutMbit }) => cutMbit),
      1,
    ),
    spread(
      runs.map(({ backMs }) => backMs),
      0,
    ),
  ];
}
