/**
 * Publishes an invented bond on the bus, so that the dashboard can be looked at without links: four links of a client, or two clients
 * of a server. For development only. Run a nats-server with JetStream and the api service, and beside them
 *
 *   node services/api/dev/synthetic-bond.ts --config FILE
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { BUCKETS, CURRENT, common, link, plan, subjects, telemetry } from "@edgebos/proto";
import { createLogger, loadConfig, openBus, stateFiles } from "@edgebos/service";

const { LinkCondition, LinkKind, LinkRole, PathState } = common;

interface SyntheticLink {
  readonly name: string;
  readonly kind: common.LinkKind;
  readonly role: common.LinkRole;
  readonly capacityBps: number;
  readonly rttUs: number;
  readonly lossPpm: number;
  /** Seconds of a two-minute cycle in which the link is silent. */
  readonly silent?: readonly [from: number, to: number];
}

const LINKS: readonly SyntheticLink[] = [
  { name: "wwan0", kind: LinkKind.CELLULAR, role: LinkRole.PRIMARY, capacityBps: 40e6, rttUs: 58e3, lossPpm: 1200 },
  {
    name: "wlan0",
    kind: LinkKind.WIFI,
    role: LinkRole.PRIMARY,
    capacityBps: 60e6,
    rttUs: 21e3,
    lossPpm: 200,
    silent: [70, 85],
  },
  { name: "sat0", kind: LinkKind.SATELLITE, role: LinkRole.PRIMARY, capacityBps: 20e6, rttUs: 121e3, lossPpm: 24e3 },
  { name: "usb0", kind: LinkKind.USB_TETHERING, role: LinkRole.METERED, capacityBps: 30e6, rttUs: 74e3, lossPpm: 900 },
];

const { values } = parseArgs({ options: { config: { type: "string" } } });
const config = loadConfig(values.config ?? "config.yaml");
const token = readFileSync(stateFiles(config.state_dir).natsToken, "utf8").trim();
const log = createLogger("synthetic", config.log);
const bus = openBus({ name: "synthetic", url: `nats://${config.listen.nats}`, token: () => token, log });
const names = subjects(config.node);
const clients = config.role === "server" ? ["van-7", "depot-north"] : ["server"];
const startMs = Date.now();
const counters = new Map<string, { tx: number; rx: number; lost: number }>();

bus.put(BUCKETS.plan, CURRENT, plan.ForwardingPlan, forwardingPlan());
setInterval(tick, 500);
setInterval(event, 9000);

function tick(): void {
  const second = (Date.now() - startMs) / 1000;
  const paths = clients.flatMap((peer, index) =>
    LINKS.map((item, id) => pathSample(item, peer, id, second + 31 * index)),
  );
  bus.publish(names.pathTelemetry, telemetry.PathTelemetry, {
    timeMs: Date.now(),
    paths,
    peers: clients.map((peer, index) => peerSample(peer, index, paths)),
  });
  if (config.role !== "client") return;
  for (const item of LINKS) {
    const path = paths.find((sample) => sample.link === item.name)!;
    bus.put(BUCKETS.links, item.name, link.Link, linkOf(item, path, second));
  }
}

function pathSample(item: SyntheticLink, peer: string, pathId: number, second: number): telemetry.PathSample {
  const silent = isSilent(item, second);
  const inUse = item.role === LinkRole.PRIMARY && !silent;
  const load = 0.55 + 0.3 * Math.sin(second / 9 + pathId) + 0.1 * Math.sin(second * 1.7 + 2 * pathId);
  const rxRateBps = inUse ? item.capacityBps * load : silent ? 0 : 2400;
  const txRateBps = inUse ? item.capacityBps * 0.12 * load : silent ? 0 : 2400;
  const count = counters.get(peer + item.name) ?? { tx: 0, rx: 0, lost: 0 };
  count.tx += txRateBps / 16;
  count.rx += rxRateBps / 16;
  count.lost += (txRateBps / 16 / 1400) * (item.lossPpm / 1e6);
  counters.set(peer + item.name, count);
  return {
    peer,
    link: item.name,
    pathId,
    state: silent ? PathState.STALLED : PathState.UP,
    srttUs: Math.round(item.rttUs * (1 + 0.08 * Math.sin(second * 2 + pathId))),
    minRttUs: item.rttUs,
    rttvarUs: Math.round(item.rttUs / 14),
    lossPpm: item.lossPpm,
    capacityBps: item.capacityBps * 0.4,
    pacingBps: item.capacityBps * 0.4,
    inFlightBytes: Math.round((txRateBps / 8e6) * item.rttUs),
    txBytes: Math.round(count.tx),
    rxBytes: Math.round(count.rx),
    txPackets: Math.round(count.tx / 1400),
    rxPackets: Math.round(count.rx / 1400),
    lostPackets: Math.round(count.lost),
    repairedPackets: Math.round(count.lost),
    repairedBytes: Math.round(1400 * count.lost),
    txAckBytes: Math.round(0.01 * count.rx),
    txProbeBytes: 0,
    mtuBytes: 1500,
    txRateBps: Math.round(txRateBps),
    rxRateBps: Math.round(rxRateBps),
    peerCapacityBps: item.capacityBps,
    peerLossPpm: item.lossPpm,
    remote: "198.51.100.7:8443",
  };
}

function peerSample(peer: string, index: number, paths: readonly telemetry.PathSample[]): telemetry.PeerSample {
  const own = paths.filter((path) => path.peer === peer);
  const sum = (key: "txBytes" | "rxBytes" | "txPackets" | "rxPackets") => own.reduce((all, path) => all + path[key], 0);
  return {
    peer,
    connected: true,
    sinceMs: startMs - 3_600_000 * (index + 1),
    innerV4: `10.231.0.${index + 2}`,
    innerV6: `fdeb:0:0:1::${index + 2}`,
    session: 1000 + index,
    epoch: 1,
    txBytes: sum("txBytes"),
    rxBytes: sum("rxBytes"),
    txPackets: sum("txPackets"),
    rxPackets: sum("rxPackets"),
    queueDrops: 0,
    queuePackets: 4,
    duplicatePackets: 0,
    skippedGaps: 0,
    copiedPackets: 0,
    skippedCopies: 0,
    parityPackets: 0,
    recoveredPackets: 0,
    resequencingPackets: 3,
    drops: {},
  };
}

function linkOf(item: SyntheticLink, path: telemetry.PathSample, second: number): link.Link {
  const silent = isSilent(item, second);
  const lossy = item.lossPpm > 20_000;
  return {
    name: item.name,
    ifindex: 3 + path.pathId,
    kind: item.kind,
    role: item.role,
    priority: 0,
    weight: 1,
    rateLimitMbit: 0,
    mtuBytes: 1500,
    carrier: true,
    addresses: [`192.0.2.${10 + path.pathId}`],
    gatewayV4: "192.0.2.1",
    gatewayV6: "",
    table: 8503 + path.pathId,
    condition: silent ? LinkCondition.STALLED : lossy ? LinkCondition.DEGRADED : LinkCondition.UP,
    reason: silent ? "nothing has come back for 4 s" : lossy ? "loses 2.4 % of the packets" : "answers in 21 ms",
    sinceMs: startMs,
    quality: {
      rttUs: path.srttUs,
      minRttUs: path.minRttUs,
      jitterUs: path.rttvarUs,
      lossPpm: path.lossPpm,
      capacityUpBps: path.capacityBps,
      capacityDownBps: path.peerCapacityBps,
      rateUpBps: path.txRateBps,
      rateDownBps: path.rxRateBps,
      stability: item.silent === undefined ? 1 : 0.87,
    },
    generation: 1,
  };
}

function forwardingPlan(): plan.ForwardingPlan {
  return {
    revision: 1,
    createdMs: startMs,
    algorithm: common.Algorithm.ADAPTIVE,
    summary: "Three primary links carry everything; usb0 costs money and waits.",
    links: clients.flatMap((peer) =>
      LINKS.map((item) => ({
        peer: config.role === "server" ? peer : "",
        link: item.name,
        enabled: item.role === LinkRole.PRIMARY,
        role: item.role,
        weight: 1,
        rateLimitBps: 0,
        reason: item.role === LinkRole.PRIMARY ? "carries traffic" : "metered: waits until no other link works",
      })),
    ),
  };
}

function event(): void {
  const second = Math.round((Date.now() - startMs) / 1000);
  const [severity, code, text] = EVENTS[Math.floor(second / 9) % EVENTS.length]!;
  bus.publish(names.event("linkmon"), telemetry.Event, {
    timeMs: Date.now(),
    severity,
    area: "linkmon",
    code,
    text,
    fields: {},
  });
}

function isSilent(item: SyntheticLink, second: number): boolean {
  const [from, to] = item.silent ?? [Number.POSITIVE_INFINITY, 0];
  return second % 120 >= from && second % 120 < to;
}

const EVENTS = [
  [telemetry.Severity.INFO, "link-up", "wlan0 answers again after 12 s; it carries traffic."],
  [
    telemetry.Severity.WARNING,
    "link-stalled",
    "wlan0: nothing has come back for 400 ms; its packets were sent again over wwan0.",
  ],
  [telemetry.Severity.INFO, "plan-changed", "sat0 takes bulk traffic only: it loses 2.4 % of the packets."],
  [telemetry.Severity.ERROR, "client-refused", "A client with the unknown name old-van was refused."],
] as const;
