import type { Role } from "../lab/product.ts";
import { type BenchLab, type FlowOptions, iperfTunnelled, withBenchLab } from "./bench-lab.ts";
import { type BenchOptions, flowsOf, profileLabel, profilesOf } from "./options.ts";
import { openMetrics, type ProductMetrics, type SentBytes, sentSince } from "./product-metrics.ts";
import { sleep, spread } from "./repeat.ts";
import type { Table } from "./report.ts";
import { countersSince, type TcpCounters, tcpCounters } from "./tcp-counters.ts";

/** The dataplane's metrics are a snapshot of less than this age; in flight is nothing any more. */
const SETTLE_MS = 1500;

/** What the inner TCP notices of the bond, and what the bond sends besides the inner packets. */
export async function innerTable(options: BenchOptions): Promise<Table> {
  const { tcpBufferBytes } = options;
  const rows: string[][] = [];
  for (const [name, links] of profilesOf(options)) {
    const measured = await withBenchLab({ links, tcpBufferBytes }, (bench) =>
      measureProfile(profileLabel(name, options), bench, options),
    );
    for (const row of measured) console.log(row.join("  "));
    rows.push(...measured);
  }
  return {
    title: "What the inner TCP sees, and what the bond adds",
    about:
      "One TCP flow through the tunnel, its whole life from SYN on. From the two hosts' kernels: segments sent again per 1,000; DSACKs received by the sender and sent by the receiver; " +
      "times that the sender found its segments reordered (SACK or timestamps); segments that the receiver had to queue because an earlier one was missing. " +
      "From the dataplane's metrics, of all bytes that both ends sent on the links with IP and UDP: acks; pings and trains; what was sent again. Medians [lowest–highest]. " +
      "The client's kernel also counts the product's own control connection.",
    header: [
      "profile",
      "direction, sender",
      "Mbit/s",
      "sent again, ‰",
      "DSACKs received",
      "DSACKs sent",
      "reordering seen",
      "out-of-order queue",
      "acks, %",
      "probes, %",
      "repairs, %",
    ],
    rows,
    parts: { keyCells: 2, how: `${options.runs} × ${options.seconds} s` },
  };
}

async function measureProfile(name: string, bench: BenchLab, options: BenchOptions): Promise<string[][]> {
  const metrics = await openMetrics(bench);
  const rows: string[][] = [];
  for (const sender of flowsOf(options)) {
    const runs: InnerRun[] = [];
    for (let i = 0; i < options.runs; i++) {
      runs.push(await measureOnce(bench, metrics, { ...sender, seconds: options.seconds }));
    }
    const column = (of: (run: InnerRun) => number, digits: number): string => spread(runs.map(of), digits);
    rows.push([
      name,
      `${sender.direction}, ${sender.congestionControl}`,
      column(({ mbit }) => mbit, 1),
      column(({ sender: { TcpRetransSegs, TcpOutSegs } }) => (1000 * TcpRetransSegs) / TcpOutSegs, 2),
      column(({ sender: { TcpExtTCPDSACKRecv } }) => TcpExtTCPDSACKRecv, 0),
      column(({ receiver }) => receiver.TcpExtTCPDSACKOldSent + receiver.TcpExtTCPDSACKOfoSent, 0),
      column(
        ({ sender: { TcpExtTCPSACKReorder, TcpExtTCPTSReorder } }) => TcpExtTCPSACKReorder + TcpExtTCPTSReorder,
        0,
      ),
      column(({ receiver }) => receiver.TcpExtTCPOFOQueue, 0),
      column(({ bytes: { acks, total } }) => (100 * acks) / total, 2),
      column(({ bytes: { probes, total } }) => (100 * probes) / total, 2),
      column(({ bytes: { repairs, total } }) => (100 * repairs) / total, 2),
    ]);
  }
  return rows;
}

interface InnerRun {
  readonly mbit: number;
  readonly sender: TcpCounters;
  readonly receiver: TcpCounters;
  /** Sent by both ends of the product. */
  readonly bytes: SentBytes;
}

async function measureOnce(bench: BenchLab, metrics: ProductMetrics, flow: FlowOptions): Promise<InnerRun> {
  const hosts = [bench.lab.client.namespace, bench.lab.internet];
  const [sender, receiver] = flow.direction === "upload" ? hosts : hosts.toReversed();
  const read = async () => ({
    sender: await tcpCounters(sender!),
    receiver: await tcpCounters(receiver!),
    client: await metrics.sentBytes("client"),
    server: await metrics.sentBytes("server"),
  });
  const before = await read();
  const { mbit } = await iperfTunnelled(bench, flow);
  await sleep(SETTLE_MS);
  const after = await read();
  const sent = (role: Role): SentBytes => sentSince(before[role], after[role]);
  return {
    mbit,
    sender: countersSince(before.sender, after.sender),
    receiver: countersSince(before.receiver, after.receiver),
    bytes: sum(sent("client"), sent("server")),
  };
}

function sum(a: SentBytes, b: SentBytes): SentBytes {
  return {
    total: a.total + b.total,
    acks: a.acks + b.acks,
    probes: a.probes + b.probes,
    repairs: a.repairs + b.repairs,
  };
}
