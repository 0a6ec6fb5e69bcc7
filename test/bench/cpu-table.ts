import type { LinkProfile } from "../lab/profiles.ts";
import { type BenchLab, iperfTunnelled, withBenchLab } from "./bench-lab.ts";
import { type CpuSeconds, cpuMeter } from "./cpu-time.ts";
import { type BenchOptions, type Direction, flowsOf } from "./options.ts";
import { sleep, spread } from "./repeat.ts";
import type { Table } from "./report.ts";

const LINK: LinkProfile = { mbit: 80, delayMs: 10 };
const MBIT = 100;
const UDP_PAYLOAD_BYTES = 1300;
/** Start-up of the flow, of which the next seconds are measured. */
const RAMP_UP_SECONDS = 3;
const SECONDS_MIN = 10;
/** Capacity trains and start-up of the services are over. */
const SETTLE_MS = 5000;

/** Processor time of each end while 100 Mbit/s pass through the tunnel, and while nothing does. */
export async function cpuTable(options: BenchOptions): Promise<Table> {
  const seconds = Math.max(SECONDS_MIN, options.seconds);
  const rows = await withBenchLab({ links: [LINK, LINK] }, (bench) => measureAll(bench, options, seconds));
  return {
    title: `Processor time at ${MBIT} Mbit/s`,
    about:
      `Per cent of one processor (user and system, /proc/PID/stat median [lowest–highest]) while a flow held at ${MBIT} Mbit/s passes over two emulated links of ${LINK.mbit} Mbit/s; ` +
      `UDP in datagrams of ${UDP_PAYLOAD_BYTES} bytes. "All" adds the other three services, nats-server and the supervisor of that end.`,
    header: ["flow", "Mbit/s", "client's dataplane", "server's dataplane", "client, all", "server, all"],
    rows,
    parts: { keyCells: 1, how: `${options.runs} × ${seconds} s` },
  };
}

async function measureAll(bench: BenchLab, options: BenchOptions, seconds: number): Promise<string[][]> {
  await sleep(SETTLE_MS);
  const meters = { client: await cpuMeter(bench.client), server: await cpuMeter(bench.server) };
  const rows: string[][] = [];
  const measure = async (name: string, flow: (seconds: number) => Promise<number>): Promise<void> => {
    const runs: CpuRun[] = [];
    for (let i = 0; i < options.runs; i++) runs.push(await measureOnce(meters, flow, seconds));
    rows.push(row(name, runs));
    console.log(rows.at(-1)!.join("  "));
  };
  await measure("none", async () => 0);
  for (const { direction, congestionControl } of flowsOf(options, undefined, ["cubic"])) {
    const tcp = { direction, congestionControl, paceMbit: MBIT } as const;
    await measure(`TCP ${direction}, ${congestionControl}`, async (time) => {
      return (await iperfTunnelled(bench, { ...tcp, seconds: time })).mbit;
    });
  }
  for (const direction of directionsOf(options)) {
    const udp = { direction, udpMbit: MBIT, payloadBytes: UDP_PAYLOAD_BYTES } as const;
    await measure(`UDP ${direction}`, async (time) => {
      const { mbit, lossRatio } = await iperfTunnelled(bench, { ...udp, seconds: time });
      return mbit * (1 - lossRatio);
    });
  }
  return rows;
}

interface CpuRun {
  readonly mbit: number;
  readonly client: CpuSeconds;
  readonly server: CpuSeconds;
}

/** Shares of one processor. */
async function measureOnce(
  meters: { readonly client: () => CpuSeconds; readonly server: () => CpuSeconds },
  flow: (seconds: number) => Promise<number>,
  seconds: number,
): Promise<CpuRun> {
  const running = flow(RAMP_UP_SECONDS + seconds + 1);
  await sleep(RAMP_UP_SECONDS * 1000);
  const [client, server, startMs] = [meters.client(), meters.server(), performance.now()];
  await sleep(seconds * 1000);
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  const share = (before: CpuSeconds, after: CpuSeconds): CpuSeconds => ({
    dataplane: (after.dataplane - before.dataplane) / elapsedSeconds,
    all: (after.all - before.all) / elapsedSeconds,
  });
  const shares = { client: share(client, meters.client()), server: share(server, meters.server()) };
  return { mbit: await running, ...shares };
}

function row(name: string, runs: readonly CpuRun[]): string[] {
  const percent = (of: (run: CpuRun) => number): string =>
    `${spread(
      runs.map((run) => 100 * of(run)),
      1,
    )} %`;
  return [
    name,
    spread(
      runs.map(({ mbit }) => mbit),
      1,
    ),
    percent(({ client }) => client.dataplane),
    percent(({ server }) => server.dataplane),
    percent(({ client }) => client.all),
    percent(({ server }) => server.all),
  ];
}

function directionsOf(options: BenchOptions): readonly Direction[] {
  return options.directions.length > 0 ? options.directions : ["upload", "download"];
}
