import type { LabLink } from "../lab/plan.ts";
import type { LinkProfile } from "../lab/profiles.ts";
import { download, goodputMbit, startHttpServer } from "../lab/traffic/http.ts";
import { type BenchLab, requireTunnel, TUNNELLED_HOST, withBenchLab } from "./bench-lab.ts";
import type { BenchOptions } from "./options.ts";
import { loadProfiles } from "./profiles.ts";
import { sleep, spread } from "./repeat.ts";
import type { Table } from "./report.ts";
import { countersSince, tcpCounters } from "./tcp-counters.ts";

const PROFILE = "60_40_20";
const SECONDS = 12;
const CUT_AT_MS = 4000;
const RETURN_AT_MS = 8000;
/** Retransmissions are counted from just before the cut until all that it can have cost is known. */
const COUNT_BEFORE_MS = 500;
const COUNT_AFTER_MS = 2000;
const FILE_MEGABYTES = 256;
/** A link carries its share again at this part of what it carried before the cut. */
const SHARE_RATIO = 0.9;
const WATCH_EVERY_MS = 50;
const WINDOW_MS = 250;

/** One download; each of three links in turn is cut silently in its middle and brought back. */
export async function failoverTable(options: BenchOptions): Promise<Table> {
  const links = loadProfiles().get(PROFILE)!;
  const rows = await withBenchLab({ links }, async (bench) => {
    await startHttpServer(bench.lab.internet, FILE_MEGABYTES);
    const measured: string[][] = [];
    for (const [victim, link] of links.entries()) {
      const runs: Failover[] = [];
      for (let i = 0; i < options.runs; i++) runs.push(await cutOnce(bench, bench.lab.client.links[victim]!));
      measured.push(row(link, runs));
      console.log(measured.at(-1)!.join("  "));
    }
    return measured;
  });
  return {
    title: "A silent black hole in mid-transfer",
    about:
      `One TCP download (cubic) over 60, 40 and 20 Mbit/s at 20, 60 and 120 ms. One link swallows every packet from ${CUT_AT_MS / 1000} s to ${RETURN_AT_MS / 1000} s, with its carrier up; ${options.runs} runs per link, median [lowest–highest]. ` +
      `Gaps are those in what the receiving program reads: the longest from the cut until ${COUNT_AFTER_MS / 1000} s after, and the longest of the whole transfer, which may be one that a drop of queue management makes. "Sent again": segments that the sending host repeated from ${COUNT_BEFORE_MS} ms before the cut until ${COUNT_AFTER_MS / 1000} s after. ` +
      `"Back": from the return until the link delivers ${100 * SHARE_RATIO} % of what it delivered before the cut (mean of ${WINDOW_MS} ms, counted by the emulator).`,
    header: [
      "cut link",
      "gap after the cut, ms",
      "longest gap, ms",
      "at, s",
      "sent again",
      "before, Mbit/s",
      "while cut",
      "back after, ms",
    ],
    rows,
  };
}

interface Failover {
  readonly cutGapMs: number;
  readonly gapMs: number;
  /** From the first byte. */
  readonly gapAtMs: number;
  readonly retransmits: number;
  readonly beforeMbit: number;
  readonly cutMbit: number;
  readonly backMs: number;
}

async function cutOnce(bench: BenchLab, link: LabLink): Promise<Failover> {
  await requireTunnel(bench);
  const samples: Sample[] = [];
  let cutGapMs = 0;
  let observed: Promise<{ retransmits: number; backMs: number }> | undefined;
  try {
    const result = await download({
      namespace: bench.lab.client.namespace,
      host: TUNNELLED_HOST,
      seconds: SECONDS,
      onProgress: ({ elapsedMs, bytes, gapMs }) => {
        samples.push({ ms: elapsedMs, bytes });
        if (elapsedMs > CUT_AT_MS && elapsedMs <= CUT_AT_MS + COUNT_AFTER_MS) cutGapMs = Math.max(cutGapMs, gapMs);
        observed ??= cutAndWatch(bench, link, performance.now() - elapsedMs);
      },
    });
    await requireTunnel(bench);
    if (goodputMbit(result) === 0 || !observed) throw new Error("the download did not begin");
    return {
      cutGapMs,
      gapMs: result.longestGapMs,
      gapAtMs: result.longestGapAtMs,
      beforeMbit: meanMbit(samples, CUT_AT_MS - 2000, CUT_AT_MS - 100),
      cutMbit: meanMbit(samples, CUT_AT_MS + 1000, RETURN_AT_MS - 100),
      ...(await observed),
    };
  } finally {
    await bench.lab.cut(link, false);
  }
}

/** `startMs`: when the first byte came, on this process's clock. */
async function cutAndWatch(bench: BenchLab, link: LabLink, startMs: number) {
  const { lab } = bench;
  const until = (ms: number): Promise<void> => sleep(Math.max(0, startMs + ms - performance.now()));
  await until(CUT_AT_MS - COUNT_BEFORE_MS);
  const before = await tcpCounters(lab.internet);
  const share = await deliveredMbit(bench, link, COUNT_BEFORE_MS);
  await until(CUT_AT_MS);
  await lab.cut(link, true);
  await until(CUT_AT_MS + COUNT_AFTER_MS);
  const retransmits = countersSince(before, await tcpCounters(lab.internet)).TcpRetransSegs;
  await until(RETURN_AT_MS);
  await lab.cut(link, false);
  const backMs = await timeUntilShare(bench, link, SHARE_RATIO * share, startMs + SECONDS * 1000);
  return { retransmits, backMs };
}

/** From now until the link's delivery, mean of a window, has reached a rate; Infinity if that is not before `deadlineMs`. */
async function timeUntilShare(bench: BenchLab, link: LabLink, mbit: number, deadlineMs: number): Promise<number> {
  const startMs = performance.now();
  const samples: Sample[] = [];
  while (performance.now() < deadlineMs) {
    const nowMs = performance.now();
    samples.push({ ms: nowMs, bytes: await deliveredBytes(bench, link) });
    const first = samples.find(({ ms }) => ms >= nowMs - WINDOW_MS)!;
    if (nowMs - startMs >= WINDOW_MS && rateOf(first, samples.at(-1)!) >= mbit) return nowMs - startMs;
    await sleep(WATCH_EVERY_MS);
  }
  return Number.POSITIVE_INFINITY;
}

async function deliveredMbit(bench: BenchLab, link: LabLink, forMs: number): Promise<number> {
  const first = { ms: performance.now(), bytes: await deliveredBytes(bench, link) };
  await sleep(forMs);
  return rateOf(first, { ms: performance.now(), bytes: await deliveredBytes(bench, link) });
}

async function deliveredBytes(bench: BenchLab, link: LabLink): Promise<number> {
  return (await bench.lab.counters())[link.index]!.down.bytesOut;
}

interface Sample {
  readonly ms: number;
  readonly bytes: number;
}

function rateOf(first: Sample, last: Sample): number {
  return ((last.bytes - first.bytes) * 8) / 1000 / (last.ms - first.ms);
}

function meanMbit(samples: readonly Sample[], fromMs: number, untilMs: number): number {
  const inside = samples.filter(({ ms }) => ms >= fromMs && ms <= untilMs);
  const [first, last] = [inside[0], inside.at(-1)];
  return !first || !last || last.ms === first.ms ? 0 : rateOf(first, last);
}

function row(link: LinkProfile, runs: readonly Failover[]): string[] {
  const column = (key: keyof Failover, digits: number, scale = 1): string =>
    spread(
      runs.map((run) => run[key] * scale),
      digits,
    );
  return [
    `${link.mbit} Mbit/s, ${2 * link.delayMs} ms`,
    column("cutGapMs", 0),
    column("gapMs", 0),
    column("gapAtMs", 1, 1 / 1000),
    column("retransmits", 0),
    column("beforeMbit", 1),
    column("cutMbit", 1),
    column("backMs", 0),
  ];
}
