import { join } from "node:path";
import { type LinkProfile, sumMbit } from "../lab/profiles.ts";
import { type BenchLab, DIRECT_HOST, requireTunnel, TUNNELLED_HOST, withBenchLab } from "./bench-lab.ts";
import { startChromium } from "./chromium.ts";
import { type BenchOptions, profilesOf } from "./options.ts";
import { CEILING_RATIO } from "./profile-table.ts";
import { QUIC_FILE, QUIC_HOST_NAME, QUIC_PORT, startQuicServer } from "./quic-server.ts";
import { spread } from "./repeat.ts";
import type { Table } from "./report.ts";

export const QUIC_PROFILES = ["60_40_20", "twolegs", "loss_2"];
/** Start-up, longer than TCP's: quic-go's windows grow by Reno's rule. */
const OMIT_SECONDS = 3;
const HTTP3 = { caddy: "HTTP/3.0", chromium: "h3" };

/** One HTTP/3 download by a browser from a web server, neither of which was written here. */
export async function quicTable(options: BenchOptions): Promise<Table> {
  const rows: string[][] = [];
  for (const [name, links] of profilesOf(options)) {
    const ceiling = CEILING_RATIO * sumMbit(links);
    const ours = await withBenchLab({ links }, (bench) => measureRuns(bench, TUNNELLED_HOST, options));
    const ideal = idealLink(links);
    const plain = await withBenchLab({ links: [ideal] }, (bench) => measureRuns(bench, DIRECT_HOST, options));
    rows.push([
      name,
      ceiling.toFixed(1),
      spread(ours, 1),
      spread(ours.map((mbit) => mbit / ceiling)),
      spread(plain, 1),
    ]);
    console.log(rows.at(-1)!.join("  "));
  }
  return {
    title: "A QUIC flow of others",
    about:
      `One HTTP/3 download by Debian's chromium (headless) from Debian's caddy, both with their defaults; the sender is quic-go's: New Reno with HyStart, and pacing. ` +
      `Goodput that a page's fetch() reads, the first ${OMIT_SECONDS} s left out; median [lowest–highest]. caddy has HTTP/3 alone switched on, so no TCP port is open; that its log says ` +
      `${HTTP3.caddy} of every request, and the browser ${HTTP3.chromium} of every answer, is checked, and a run without it fails. "Plain": the same two programs without a tunnel over one link with the sum of the rates, the shortest delay and no loss; what they cannot do there, no bond can give them. Kernel defaults for UDP buffers, of which quic-go complains.`,
    header: ["profile", "C, Mbit/s", "HTTP/3, Mbit/s", "share of C", "plain, one clean link"],
    rows,
    parts: { keyCells: 1, how: `${options.runs} × ${options.seconds} s` },
  };
}

interface QuicRun {
  readonly mbit: number;
  /** Protocol of the page and of the download. */
  readonly protocols: readonly string[];
}

/** As good as these links in one can be. */
function idealLink(links: readonly LinkProfile[]): LinkProfile {
  return { mbit: sumMbit(links), delayMs: Math.min(...links.map(({ delayMs }) => delayMs)) };
}

/** Goodput of each run, Mbit/s. */
async function measureRuns(bench: BenchLab, host: string, options: BenchOptions): Promise<number[]> {
  const { lab } = bench;
  const server = await startQuicServer(lab.internet, host, lab.directory);
  const origin = `${QUIC_HOST_NAME}:${QUIC_PORT}`;
  const chromium = await startChromium({
    namespace: lab.client.namespace,
    profileDirectory: join(lab.directory, "chromium"),
    flags: [
      `--origin-to-force-quic-on=${origin}`,
      `--ignore-certificate-errors-spki-list=${server.keyHash}`,
      `--host-resolver-rules=MAP ${QUIC_HOST_NAME} ${host}`,
    ],
  });
  try {
    const runs: QuicRun[] = [];
    for (let i = 0; i < options.runs; i++) {
      if (host === TUNNELLED_HOST) await requireTunnel(bench);
      runs.push(await chromium.evaluateAt<QuicRun>(`https://${origin}/`, downloadExpression(options.seconds)));
    }
    requireHttp3(
      runs.flatMap(({ protocols }) => protocols),
      server.protocols(),
    );
    return runs.map(({ mbit }) => mbit);
  } finally {
    await chromium.stop();
    await server.stop();
  }
}

/** Runs in the page: reads the file for a while and keeps nothing of it. */
function downloadExpression(seconds: number): string {
  const stopAfterMs = (OMIT_SECONDS + seconds) * 1000;
  return `(async () => {
    const response = await fetch("${QUIC_FILE}", { cache: "no-store" });
    const reader = response.body.getReader();
    const startMs = performance.now();
    let bytes = 0, from = undefined, now = startMs;
    while (now - startMs < ${stopAfterMs}) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the file is too short");
      bytes += value.length;
      now = performance.now();
      if (from === undefined && now - startMs >= ${OMIT_SECONDS * 1000}) from = { bytes, ms: now };
    }
    const mbit = (bytes - from.bytes) * 8 / 1000 / (now - from.ms);
    await reader.cancel();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return { mbit, protocols: entries.map((entry) => entry.nextHopProtocol) };
  })()`;
}

function requireHttp3(browser: readonly string[], server: readonly string[]): void {
  const isAll = (names: readonly string[], wanted: string): boolean =>
    names.length > 0 && names.every((name) => name === wanted);
  if (isAll(browser, HTTP3.chromium) && isAll(server, HTTP3.caddy)) return;
  throw new Error(`not all was HTTP/3: the browser says ${browser.join()}, the server ${server.join()}`);
}
