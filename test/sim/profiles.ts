/**
 * One TCP flow over each link profile: share of the payload ceiling C, and the latency of a ping beside it.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { PathId } from "@edgebos/tunnel";
import { oneOf, orExit, wholeNumber } from "../command-line.ts";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

interface ProfileLink {
  readonly mbit: number;
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly lossPct: number;
  readonly queueMs: number;
}

const PROFILES_FILE = new URL("./profiles.json", import.meta.url);
const TCP_PORT = 40_001;
const PING_PORT = 9;
const WARM_UP_S = 1.5;
/** Worlds differ by when the flow starts, too: over links that never vary, a host would do the same in all of them. */
const START_STEP_US = 7_300;
/** 1,384 bytes of payload per 1,514-byte frame. */
const CEILING_SHARE = 1_384 / 1_514;

const SENDERS = ["cubic", "bbr"] as const;
const USAGE = `node scripts/bootstrap.mjs run test/sim/profiles.ts [option…]
  --profile NAME,…  of test/sim/profiles.json (all)
  --sender S        only hosts that send with cubic or bbr
  --seconds S       a flow's length, with its start (9)
  --ramp S          left out at the start of a flow (3)
  --runs N          worlds of each profile (3)
  --window BYTES    the hosts' largest window (3000000)
  --no-help         acks pass as they come
  --trace           says what happens, four times a second`;

const profiles = JSON.parse(readFileSync(PROFILES_FILE, "utf8")) as Record<string, ProfileLink[]>;
const asked = orExit(USAGE, commandLine);

for (const name of asked.names) {
  const columns = asked.senders.map((sender) => {
    const results = Array.from({ length: asked.runs }, (_, run) => measure(profiles[name]!, sender, run + 1));
    return summarize(sender, results);
  });
  console.log(`${name.padEnd(14)} ${columns.join("   ")}`);
}

function commandLine() {
  const { values } = parseArgs({
    options: {
      profile: { type: "string" },
      sender: { type: "string" },
      seconds: { type: "string", default: "9" },
      runs: { type: "string", default: "3" },
      ramp: { type: "string", default: "3" },
      window: { type: "string", default: "3000000" },
      "no-help": { type: "boolean", default: false },
      trace: { type: "boolean", default: false },
    },
  });
  const known = Object.keys(profiles).filter((name) => name !== "_");
  const rampSeconds = wholeNumber("--ramp", values.ramp, 0);
  return {
    names: values.profile === undefined ? known : oneOf("--profile", values.profile.split(","), known),
    senders: values.sender === undefined ? SENDERS : oneOf("--sender", [values.sender], SENDERS),
    runs: wholeNumber("--runs", values.runs, 1),
    rampSeconds,
    seconds: wholeNumber("--seconds", values.seconds, rampSeconds + 1),
    windowBytes: wholeNumber("--window", values.window, 1),
    helpHosts: !values["no-help"],
    isTraced: values.trace,
  };
}

interface Result {
  readonly share: number;
  readonly pingP95Ms: number;
  readonly idleP95Ms: number;
  readonly retransmitted: number;
  readonly reordered: number;
  readonly exit: string;
}

function summarize(sender: string, results: readonly Result[]): string {
  const sorted = results.toSorted((a, b) => a.share - b.share);
  const median = sorted[sorted.length >> 1]!;
  const spread = `[${sorted[0]!.share.toFixed(2)}–${sorted.at(-1)!.share.toFixed(2)}]`;
  return `${sender} ${median.share.toFixed(3)} ${spread} ping ${median.idleP95Ms.toFixed(0)}→${median.pingP95Ms.toFixed(0)} ms rtx ${median.retransmitted} ooo ${median.reordered} ${median.exit}`;
}

function measure(links: readonly ProfileLink[], sender: "cubic" | "bbr", seed: number): Result {
  const options = links.map(
    (link): LinkOptions => ({
      rateMbit: link.mbit,
      delayMs: link.delayMs,
      jitterMs: link.jitterMs,
      lossPct: link.lossPct,
      queueMs: link.queueMs,
    }),
  );
  const world = new World({
    seed,
    helpHosts: asked.helpHosts,
    links: options.map((option) => ({ up: option, down: option })),
  });
  const startAt = (WARM_UP_S + 1.5) * 1e6 + (seed - 1) * START_STEP_US;
  const stopAt = startAt + asked.seconds * 1e6;
  const flow = new TcpFlow(world.client, world.server, {
    port: TCP_PORT,
    congestion: sender,
    startAt,
    stopAt,
    windowBytes: asked.windowBytes,
  });
  const ping = new UdpFlow(world.client, { port: PING_PORT, rateMbit: 0.02, packetBytes: 84, startAt: 1e6, stopAt });
  const echo = new UdpFlow(world.server, {
    port: PING_PORT + 1,
    rateMbit: 0.02,
    packetBytes: 84,
    startAt: 1e6,
    stopAt,
  });
  world.server.onInner = (view, offset, length, now) => {
    if (view.getUint8(offset + 9) === 6) flow.receiveAtReceiver(view, offset, length, now);
    else ping.receive(view, offset, length, now);
  };
  world.client.onInner = (view, offset, length, now) => {
    if (view.getUint8(offset + 9) === 6) flow.receiveAtSender(view, offset, length, now);
    else echo.receive(view, offset, length, now);
  };
  world.add(flow);
  world.add(ping);
  world.add(echo);
  world.runUntil(startAt);
  const idlePings = ping.delaysUs.length;
  const idleEchoes = echo.delaysUs.length;
  if (asked.isTraced) traceRun(world, flow, startAt, stopAt);
  world.runUntil(startAt + asked.rampSeconds * 1e6);
  const before = flow.deliveredBytes;
  world.runUntil(stopAt);
  const seconds = asked.seconds - asked.rampSeconds;
  const ceilingBytes = (links.reduce((sum, link) => sum + link.mbit, 0) * 1e6 * CEILING_SHARE * seconds) / 8;
  return {
    share: (flow.deliveredBytes - before) / ceilingBytes,
    idleP95Ms: (p95(ping.delaysUs.slice(0, idlePings)) + p95(echo.delaysUs.slice(0, idleEchoes))) / 1_000,
    pingP95Ms: (p95(ping.delaysUs.slice(idlePings)) + p95(echo.delaysUs.slice(idleEchoes))) / 1_000,
    retransmitted: flow.retransmittedPackets,
    reordered: flow.receiver.outOfOrderPackets,
    exit: flow.congestion.exitReason,
  };
}

function traceRun(world: World, flow: TcpFlow, startAt: number, stopAt: number): void {
  for (let at = startAt; at < stopAt; at += 250_000) {
    world.at(at, () => {
      const { bond } = world.client;
      const paths = world.up.map((link, index) => {
        const stats = bond.pathStats(index as PathId);
        return `${stats.state[0]} bw ${(stats.capacityBps / 1e6).toFixed(1)} fl ${(stats.inFlightBytes / 1500).toFixed(0)}/${(stats.windowBytes / 1500).toFixed(0)} rtt ${(stats.srttUs / 1000).toFixed(0)} q ${((link.queuedBytes * 8) / link.options.rateMbit / 1000).toFixed(1)}ms lost ${stats.lostPackets}`;
      });
      const stats = bond.stats();
      console.log(
        `${((at - startAt) / 1e6).toFixed(2)} ${((flow.receiver.timeline[Math.floor(at / 1e5) - 1] ?? 0) / 12_500).toFixed(0)} Mbit/s cwnd ${flow.congestion.windowPackets.toFixed(0)} rtt ${(flow.smoothedRttUs / 1e3).toFixed(0)} q ${stats.queuePackets} drops ${stats.queueDrops} held ${world.server.bond.stats().resequencingPackets} | ${paths.join(" | ")}`,
      );
    });
  }
}

function p95(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)] ?? 0;
}
