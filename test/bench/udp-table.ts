import { run } from "../lab/process.ts";
import type { Instance } from "../lab/product.ts";
import { type LinkProfile, sumMbit } from "../lab/profiles.ts";
import { type BenchLab, iperfTunnelled, withBenchLab } from "./bench-lab.ts";
import { type BenchOptions, type Direction, profilesOf } from "./options.ts";
import { sleep, spread } from "./repeat.ts";
import type { Table } from "./report.ts";

/** Share of the links' rates that the flow takes on the wire. */
const LOAD_RATIO = 0.9;
const PAYLOAD_BYTES = 1_300;
/** Ethernet, outer IP and UDP, 36 bytes of our own, inner IP and UDP. */
const WIRE_BYTES = 14 + 28 + 36 + 28 + PAYLOAD_BYTES;
/** What is still under way when the sender ends, or its loss found late, arrives within this. */
const SETTLE_MS = 1_000;
const DIRECTIONS: readonly Direction[] = ["upload", "download"];
/** Three unequal links are measured with this random loss on all of them, too. */
const LOSSY_PROFILE = "60_40_20";
const LOSS_RATIO = 0.02;

/** One UDP flow that fills nine tenths of every profile: what is lost, where, and what the repair costs. */
export async function udpTable(options: BenchOptions): Promise<Table> {
  const rows: string[][] = [];
  for (const [name, links] of profilesOf(options)) {
    const measured = await withBenchLab({ links }, async (bench) => {
      const clean = await measureProfile(name, links, bench, options);
      if (name !== LOSSY_PROFILE) return clean;
      for (const link of bench.lab.client.links) await bench.lab.change(link, { lossRatio: LOSS_RATIO });
      return [...clean, ...(await measureProfile(`${name}, ${100 * LOSS_RATIO} % loss`, links, bench, options))];
    });
    for (const row of measured) console.log(row.join("  "));
    rows.push(...measured);
  }
  return {
    title: "One UDP flow at nine tenths of the links",
    about:
      `iperf3 sends datagrams of ${PAYLOAD_BYTES} bytes, paced in milliseconds, at the rate that takes ${LOAD_RATIO} of the sum of the links' rates with all headers (${WIRE_BYTES} bytes a frame; ` +
      `${LOAD_RATIO} of payload alone would be 0.97 on the wire, and to repair 2 % of loss would fill the links). Nothing is left out: the flow starts at full rate on idle links. ` +
      `Sockets have the kernel's default buffers. Medians [lowest–highest]. "Extra" is what the links were given beyond the flow's own frames: repairs, acks and probes. ` +
      `A machine with other work starves the receiving program (with load 8, plain UDP of 83 Mbit/s over loopback loses 1.3 % in its socket): there, run this table under \`chrt -r 1\`. ` +
      `The last column sums over all runs where packets were lost: our queue, the TUN device of the sending end, the receiving program's socket.`,
    header: ["profile", "direction", "payload, Mbit/s", "lost, %", "out of order, %", "extra, %", "queue, TUN, socket"],
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
  const udpMbit = (LOAD_RATIO * sumMbit(links) * PAYLOAD_BYTES) / WIRE_BYTES;
  const rows: string[][] = [];
  for (const direction of options.directions.length > 0 ? options.directions : DIRECTIONS) {
    const runs: UdpRun[] = [];
    for (let i = 0; i < options.runs; i++) runs.push(await measure(bench, direction, udpMbit, options.seconds));
    const percent = (of: (run: UdpRun) => number): string =>
      spread(
        runs.map((run) => 100 * of(run)),
        3,
      );
    const total = (of: (run: UdpRun) => number): number => runs.reduce((sum, run) => sum + of(run), 0);
    rows.push([
      name,
      direction,
      spread(
        runs.map(({ mbit }) => mbit),
        1,
      ),
      percent((run) => run.lossRatio),
      percent((run) => run.outOfOrderRatio),
      percent((run) => run.extraRatio),
      [total((run) => run.queueDrops), total((run) => run.deviceDrops), total((run) => run.socketDrops)].join(", "),
    ]);
  }
  return rows;
}

interface UdpRun {
  readonly mbit: number;
  readonly lossRatio: number;
  readonly outOfOrderRatio: number;
  readonly extraRatio: number;
  readonly queueDrops: number;
  readonly deviceDrops: number;
  readonly socketDrops: number;
}

async function measure(bench: BenchLab, direction: Direction, udpMbit: number, seconds: number): Promise<UdpRun> {
  const before = await readCounters(bench, direction);
  const flow = await iperfTunnelled(bench, { direction, udpMbit, payloadBytes: PAYLOAD_BYTES, seconds });
  await sleep(SETTLE_MS);
  const after = await readCounters(bench, direction);
  return {
    mbit: flow.mbit,
    lossRatio: flow.lossRatio,
    outOfOrderRatio: flow.outOfOrder / flow.packets,
    extraRatio: (after.linkBytes - before.linkBytes) / (flow.packets * WIRE_BYTES) - 1,
    queueDrops: after.queueDrops - before.queueDrops,
    deviceDrops: after.deviceDrops - before.deviceDrops,
    // What comes after iperf3 has stopped reading is a drop to the kernel, and none to the flow.
    socketDrops: Math.min(after.socketDrops - before.socketDrops, Math.round(flow.lossRatio * flow.packets)),
  };
}

interface Counters {
  /** Given to the links in the flow's direction. */
  readonly linkBytes: number;
  readonly queueDrops: number;
  readonly deviceDrops: number;
  readonly socketDrops: number;
}

async function readCounters(bench: BenchLab, direction: Direction): Promise<Counters> {
  const { lab } = bench;
  const isUpload = direction === "upload";
  const sender = isUpload ? bench.client : bench.server;
  const receiverNamespace = isUpload ? lab.internet : lab.client.namespace;
  const links = await lab.counters();
  return {
    linkBytes: links.reduce((sum, link) => sum + link[isUpload ? "up" : "down"].bytesIn, 0),
    queueDrops: await queueDrops(sender),
    deviceDrops: await deviceDrops(sender.namespace),
    socketDrops: await socketDrops(receiverNamespace),
  };
}

async function queueDrops(instance: Instance): Promise<number> {
  const { peers } = await instance.rest<{ readonly peers: readonly { readonly queueDrops?: string }[] }>(
    "/api/v1/status",
  );
  return peers.reduce((sum, peer) => sum + Number(peer.queueDrops ?? 0), 0);
}

/** Packets that found the TUN device's queue full. */
async function deviceDrops(namespace: string): Promise<number> {
  const out = await run(["ip", "-s", "-j", "link", "show", "dev", "edgebos0"], { namespace });
  return (JSON.parse(out) as { readonly stats64: { readonly tx: { readonly dropped: number } } }[])[0]!.stats64.tx
    .dropped;
}

/** UDP datagrams of the namespace that found a socket's buffer full. */
async function socketDrops(namespace: string): Promise<number> {
  const [names, values] = (await run(["cat", "/proc/net/snmp"], { namespace }))
    .split("\n")
    .filter((line) => line.startsWith("Udp:"))
    .map((line) => line.split(" "));
  return Number(values![names!.indexOf("RcvbufErrors")]);
}
