import { type LinkProfile, sumMbit } from "../lab/profiles.ts";
import { median } from "../lab/traffic/figures.ts";
import { type BenchLab, type FlowOptions, iperfDirect, iperfTunnelled, withBenchLab } from "./bench-lab.ts";
import { type BenchOptions, flowsOf, profileLabel, profilesOf } from "./options.ts";
import { PINGS_PER_SECOND, p95, pingTunnelled } from "./ping-beside.ts";
import { spread } from "./repeat.ts";
import type { Table } from "./report.ts";

/** Share of the link rates that is left for the payload of inner TCP segments; see the head of docs/benchmarks.md. */
export const CEILING_RATIO = 0.913;
const IDLE_PING_SECONDS = 3;
/** Payload of a full segment in a 1,436-byte inner packet, with timestamps. */
const SEGMENT_BYTES = 1384;

/** One TCP flow over each profile: the product against kernel MPTCP with the same sender, in turn. */
export async function profileTable(options: BenchOptions): Promise<Table> {
  const rows: string[][] = [];
  for (const [name, links] of profilesOf(options)) {
    const { tcpBufferBytes } = options;
    const measured = await withBenchLab({ links, tcpBufferBytes }, (bench) =>
      measureProfile(profileLabel(name, options), links, bench, options),
    );
    for (const row of measured) console.log(row.join("  "));
    rows.push(...measured);
  }
  return {
    title: "One TCP flow, every profile",
    about:
      `Goodput at the receiver as a share of C, and against kernel MPTCP (one subflow per link, default scheduler, no encryption) with the same sender in the same run, in turn; ` +
      `the first 2 s are left out, or what the row says; median [lowest–highest]. Hosts' default windows unless the row says otherwise, no setting of the product changed. ` +
      `Ping: ${PINGS_PER_SECOND} per second through the tunnel, idle for ${IDLE_PING_SECONDS} s before, and beside the measured flow; p95 of a run. Retransmissions per 1,000 segments of the flow.`,
    header: [
      "profile",
      "direction, sender",
      "C, Mbit/s",
      "EdgeBOS, Mbit/s",
      "share of C",
      "MPTCP, Mbit/s",
      "EdgeBOS ÷ MPTCP",
      "ping p95 idle, ms",
      "ping p95 loaded, ms",
      "retransmitted, ‰",
    ],
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
  const ceiling = CEILING_RATIO * sumMbit(links);
  const idle = p95(await pingTunnelled(bench, IDLE_PING_SECONDS));
  const rows: string[][] = [];
  for (const sender of flowsOf(options)) {
    const flow = { ...sender, seconds: options.seconds, omitSeconds: options.omitSeconds };
    const { ours, mptcp } = await inTurn(bench, flow, options);
    const mbits = ours.map(({ mbit }) => mbit);
    rows.push([
      name,
      `${sender.direction}, ${sender.congestionControl}`,
      ceiling.toFixed(1),
      spread(mbits, 1),
      spread(mbits.map((mbit) => mbit / ceiling)),
      spread(mptcp, 1),
      mptcp.length === 0 ? "–" : (median(mbits) / median(mptcp)).toFixed(2),
      idle.toFixed(1),
      spread(
        ours.map(({ pingMs }) => pingMs),
        1,
      ),
      spread(
        ours.map(({ retransmittedRatio }) => 1000 * retransmittedRatio),
        1,
      ),
    ]);
  }
  return rows;
}

interface OwnRun {
  readonly mbit: number;
  readonly pingMs: number;
  readonly retransmittedRatio: number;
}

/** Ours and MPTCP's runs alternate, so that what the machine does meanwhile hits both. */
async function inTurn(bench: BenchLab, flow: FlowOptions, { runs, mptcpRuns }: BenchOptions) {
  const ours: OwnRun[] = [];
  const mptcp: number[] = [];
  for (let i = 0; i < Math.max(runs, mptcpRuns); i++) {
    if (i < runs) ours.push(await measureOwn(bench, flow));
    if (i < mptcpRuns) mptcp.push((await iperfDirect(bench, { ...flow, mptcp: true })).mbit);
  }
  return { ours, mptcp };
}

async function measureOwn(bench: BenchLab, flow: FlowOptions): Promise<OwnRun> {
  const pings = pingTunnelled(bench, flow.seconds, flow.omitSeconds);
  const { mbit, retransmits } = await iperfTunnelled(bench, flow);
  const segments = (mbit * 1e6 * flow.seconds) / 8 / SEGMENT_BYTES;
  return { mbit, pingMs: p95(await pings), retransmittedRatio: retransmits / segments };
}
