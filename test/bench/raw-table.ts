import { median, percentile } from "../lab/traffic/figures.ts";
import type { IperfResult } from "../lab/traffic/iperf.ts";
import { ping } from "../lab/traffic/ping.ts";
import {
  type BenchLab,
  DIRECT_HOST,
  type FlowOptions,
  iperfDirect,
  iperfTunnelled,
  requireTunnel,
  TUNNELLED_HOST,
  withBenchLab,
} from "./bench-lab.ts";
import type { BenchOptions } from "./options.ts";
import { interleave, spread } from "./repeat.ts";
import type { Table } from "./report.ts";

const WIRE = { mbit: 0, delayMs: 0 };
const PINGS = { count: 400, intervalMs: 5 };
const US_PER_MS = 1000;

/** What the product's forwarding costs: unshaped veth paths, plain traffic and tunnelled in turn. */
export async function rawTable(options: BenchOptions): Promise<Table> {
  const rows = [
    ...(await withBenchLab({ links: [WIRE], unshaped: true }, (bench) => onePath(bench, options))),
    ...(await withBenchLab({ links: [WIRE, WIRE, WIRE], unshaped: true }, async (bench) => [
      await compareTcp("three paths, ", bench, options, { direction: "upload", congestionControl: "bbr" }),
      await compareTcp("three paths, ", bench, options, { direction: "upload", congestionControl: "cubic" }),
    ])),
  ];
  return {
    title: "Raw speed, unshaped paths",
    about: `Plain traffic over the same veth devices and forwarding hops against traffic through the tunnel, in turn, ${options.runs} runs of ${options.seconds} s each; median [lowest–highest].`,
    header: ["", "plain", "through the tunnel", "ratio of medians"],
    rows,
  };
}

async function onePath(bench: BenchLab, options: BenchOptions): Promise<string[][]> {
  const rows: string[][] = [];
  for (const congestionControl of ["bbr", "cubic"] as const) {
    for (const direction of ["upload", "download"] as const) {
      rows.push(await compareTcp("", bench, options, { direction, congestionControl }));
    }
  }
  return [
    ...rows,
    await compareUdp(1300, bench, options),
    await compareUdp(100, bench, options),
    ...(await comparePing(bench)),
  ];
}

async function compareTcp(
  paths: string,
  bench: BenchLab,
  options: BenchOptions,
  extra: Pick<FlowOptions, "direction" | "congestionControl">,
): Promise<string[]> {
  const flow = { seconds: options.seconds, omitSeconds: 1, ...extra };
  const { a, b } = await interleave(
    options.runs,
    () => iperfDirect(bench, flow),
    () => iperfTunnelled(bench, flow),
  );
  const name = `one TCP flow, ${paths}${extra.direction}, ${extra.congestionControl}`;
  return row(name, "Gbit/s", 2, a.map(gbit), b.map(gbit));
}

async function compareUdp(payloadBytes: number, bench: BenchLab, options: BenchOptions): Promise<string[]> {
  const flow = { seconds: options.seconds, udpMbit: FLOOD_MBIT, payloadBytes };
  const { a, b } = await interleave(
    options.runs,
    () => iperfDirect(bench, flow),
    () => iperfTunnelled(bench, flow),
  );
  const kpps = (result: IperfResult): number => (result.packets * (1 - result.lossRatio)) / options.seconds / 1000;
  return row(`UDP ${payloadBytes} bytes`, "kpps", 0, a.map(kpps), b.map(kpps));
}

async function comparePing(bench: BenchLab): Promise<string[][]> {
  await requireTunnel(bench);
  const measure = (host: string) => async () =>
    (await ping({ namespace: bench.lab.client.namespace, host, ...PINGS })).rttsMs.map((rtt) => rtt * US_PER_MS);
  const { a, b } = await interleave(2, measure(DIRECT_HOST), measure(TUNNELLED_HOST));
  return [0.5, 0.99].map((share) => {
    const [plain, tunnelled] = [percentile(a.flat(), share), percentile(b.flat(), share)];
    const name = `idle ping, p${100 * share}`;
    return [name, `${plain.toFixed(0)} µs`, `${tunnelled.toFixed(0)} µs`, `+${(tunnelled - plain).toFixed(0)} µs`];
  });
}

function row(
  name: string,
  unit: string,
  digits: number,
  plain: readonly number[],
  tunnelled: readonly number[],
): string[] {
  const ratio = median(tunnelled) / median(plain);
  return [name, `${spread(plain, digits)} ${unit}`, `${spread(tunnelled, digits)} ${unit}`, ratio.toFixed(3)];
}

function gbit(result: IperfResult): number {
  return result.mbit / 1000;
}

/** More than any path here carries. */
const FLOOD_MBIT = 20_000;
