/**
 * A network-hour of a vehicle on the road: three links, a camera's picture, a call, a ping, and a download now and then. Prints how long it took, and what it was like.
 */
import { parseArgs } from "node:util";
import { orExit, wholeNumber } from "../command-line.ts";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

const USAGE = `node scripts/bootstrap.mjs run test/sim/hour.ts [option…]
  --minutes M    (60)
  --seed SEED    (1)`;

const SECOND_US = 1_000_000;
const START_US = 2 * SECOND_US;
const CUT_EVERY_US = 300 * SECOND_US;
const CUT_US = 20 * SECOND_US;
const TCP = 6;
const ICMP = 1;

const { seed, minutes } = orExit(USAGE, () => {
  const { values } = parseArgs({
    options: { minutes: { type: "string", default: "60" }, seed: { type: "string", default: "1" } },
  });
  return {
    seed: wholeNumber("--seed", values.seed, 0),
    minutes: wholeNumber("--minutes", values.minutes, 1),
  };
});
const stopAt = START_US + minutes * 60 * SECOND_US;
const links: readonly LinkOptions[] = [
  { rateMbit: 40, delayMs: 30, jitterMs: 8, lossPct: 0.3, queueMs: 200 },
  { rateMbit: 60, delayMs: 10, jitterMs: 2, lossPct: 0.05, queueMs: 60 },
  { rateMbit: 20, delayMs: 60, jitterMs: 15, lossPct: 0.5, queueMs: 300 },
];
const startedAt = performance.now();
const world = new World({ seed, links: links.map((options) => ({ up: options, down: options })) });
const shared = { startAt: START_US, stopAt };
const camera = new UdpFlow(world.client, { ...shared, port: 5_001, rateMbit: 4, packetBytes: 1_200, dscp: 34 });
const callUp = new UdpFlow(world.client, { ...shared, port: 5_002, rateMbit: 0.08, packetBytes: 200, dscp: 46 });
const callDown = new UdpFlow(world.server, { ...shared, port: 5_003, rateMbit: 0.08, packetBytes: 200, dscp: 46 });
const ping = new UdpFlow(world.client, {
  ...shared,
  port: 5_004,
  rateMbit: 0.000_672,
  packetBytes: 84,
  protocol: ICMP,
});
const download = new TcpFlow(world.server, world.client, {
  ...shared,
  port: 40_001,
  congestion: "cubic",
  writes: { bytes: 1_000_000, periodUs: 10 * SECOND_US },
});
const flows = [camera, callUp, callDown, ping];
connect();
for (let at = START_US + CUT_EVERY_US; at < stopAt; at += CUT_EVERY_US) scheduleCut(at);
world.runUntil(stopAt + 5 * SECOND_US);
report();

function connect(): void {
  world.server.onInner = (view, offset, length, now) => {
    if (view.getUint8(offset + 9) === TCP) download.receiveAtSender(view, offset, length, now);
    else flows.find((flow) => flow.port === view.getUint16(offset + 20))!.receive(view, offset, length, now);
  };
  world.client.onInner = (view, offset, length, now) => {
    if (view.getUint8(offset + 9) === TCP) download.receiveAtReceiver(view, offset, length, now);
    else callDown.receive(view, offset, length, now);
  };
  for (const flow of [...flows, download]) world.add(flow);
}

/** The quickest link dies without a word for a while, as in a tunnel. */
function scheduleCut(at: number): void {
  for (const [when, isCut] of [
    [at, true],
    [at + CUT_US, false],
  ] as const) {
    world.at(when, () => {
      world.up[1]!.isCut = isCut;
      world.down[1]!.isCut = isCut;
    });
  }
}

function report(): void {
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuSeconds = process.cpuUsage().user / 1e6;
  const packets = world.client.deliveredPackets + world.server.deliveredPackets;
  const datagrams = world.client.datagrams + world.server.datagrams;
  console.log(
    `${minutes} minutes of three links, ${packets} inner packets, ${datagrams} datagrams: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU (${((cpuSeconds * 1e6) / packets).toFixed(2)} µs per inner packet)`,
  );
  const names = ["camera", "call up", "call down", "ping"];
  flows.forEach((flow, index) => {
    const delays = Float64Array.from(flow.delaysUs).sort();
    const p99Ms = delays[Math.floor(delays.length * 0.99)]! / 1_000;
    const lost = flow.sentPackets - flow.receivedPackets;
    const pauseMs = flow.pauses.longestUs / 1_000;
    console.log(
      `${names[index]}: ${flow.receivedPackets} packets, ${lost} lost, one-way p99 ${p99Ms.toFixed(1)} ms, longest pause ${pauseMs.toFixed(0)} ms`,
    );
  });
  console.log(
    `download: ${(download.deliveredBytes / 1e6).toFixed(0)} MB, ${download.retransmittedPackets} retransmitted`,
  );
}
