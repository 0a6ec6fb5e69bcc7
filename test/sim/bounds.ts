import type { LinkOptions } from "./link.ts";
import type { Fault } from "./random-faults.ts";
import type { Scenario } from "./scenario.ts";
import type { TcpFlow } from "./tcp-flow.ts";
import { longestServiceUs } from "./trace.ts";
import type { UdpFlow } from "./udp-flow.ts";
import type { WorldLink } from "./world.ts";

/**
 * A packet may be lost, and its repairs after it: so many times in a row, by the loss rates of random worlds, does not happen in ten thousand of them. Each time
 * costs the notice of the loss and a way over a path, at most two loaded round trips.
 */
const LOSSES_IN_ROW = 4;
/** What the peer may hold back acks, a nap on either end, and the grain of timers add to one repair. */
const REPAIR_MARGIN_US = 100_000;
/** A client whose address has changed is found by the next probe of its idle path. */
const PROBE_US = 1_000_000;
/** An MTU that falls without a word is found out in this time on a quick link (path-mtu.test.ts); on slow ones the repairs above cover it. */
const BLACK_HOLE_US = 250_000;
/** Bytes of a turn of one lane, with its overhead. */
const TURN_BYTES = 5_000;
/** Turns of others per turn of a background lane. */
const BACKGROUND_TURNS = 16;
/** Packets of which a trace's worst moment delays a round of repairs. */
const TRACE_PACKETS = 40;

/** Longest time in which nothing of a flow comes out although a packet of it is on its way, µs. Background lanes get a turn seldom. */
export function pauseBoundUs({ links, plans, faults, flows }: Scenario, isBackground: boolean): number {
  const roundTrips = links.map((link, index) => roundTripUs(link, faultsOf(faults, index)));
  const limits = plans.flatMap((plan) => [...plan.paths.values()].map((path) => path.rateLimitBps / 1e6));
  const rates = links.map((link, index) => leastMbit(link, faultsOf(faults, index)));
  const slowestMbit = Math.min(...rates, ...limits.filter((mbit) => mbit > 0));
  const turns = (flows.udp.length + flows.tcp.length) * (isBackground ? BACKGROUND_TURNS : 1);
  const unknownUs = faults.some(({ kind, link }) => kind === "move" && link === 0) ? PROBE_US : 0;
  const blackHoleUs = faults.some(({ kind }) => kind === "mtu") ? BLACK_HOLE_US : 0;
  const repairUs = 2 * Math.max(...roundTrips) + REPAIR_MARGIN_US;
  return LOSSES_IN_ROW * repairUs + (turns * TURN_BYTES * 8) / slowestMbit + unknownUs + blackHoleUs;
}

/** Buffers that an end may need at any moment: what comes in from its hosts times how long it stays, and what waits for a gap. */
export function slotsBound(scenario: Scenario): number {
  const { flows } = scenario;
  const packetsPerUs =
    flows.udp.reduce((sum, flow) => sum + 1 / flow.intervalUs, 0) + flows.tcp.length * TCP_PACKETS_PER_US;
  return Math.ceil(packetsPerUs * (QUEUE_US + 2 * pauseBoundUs(scenario, true))) + SLOTS_MARGIN;
}
/** The longest queue of a flow that heeds nothing. */
const QUEUE_US = 2_000_000;
const TCP_PACKETS_PER_US = 3_000 / 1e6;
const SLOTS_MARGIN = 500;

export type Flow = UdpFlow | TcpFlow;

function faultsOf(faults: readonly Fault[], link: number): Fault[] {
  return faults.filter((fault) => fault.link === link);
}

/** Of a link at its slowest, with the queue that a sudden fall of its rate makes of a full pipe. */
function roundTripUs({ up, down }: WorldLink, faults: readonly Fault[]): number {
  return oneWayUs(up, faults) + oneWayUs(down, faults);
}

function oneWayUs(options: LinkOptions, faults: readonly Fault[]): number {
  const { delayMs, jitterMs = 0, reorderPct = 0, reorderMs = 0, queueMs, trace } = options;
  const worstDelayMs = delayMs * Math.max(1, product(faults, "delay", Math.max));
  const slowness = 1 / Math.min(1, product(faults, "rate", Math.min));
  const outageUs = trace === undefined ? 0 : longestServiceUs(trace, TRACE_PACKETS);
  const lateMs = worstDelayMs + jitterMs + (reorderPct > 0 ? reorderMs : 0);
  return lateMs * 1_000 + Math.min(queueMs, 2 * worstDelayMs + 30) * slowness * 1_000 + outageUs;
}

function leastMbit({ up, down }: WorldLink, faults: readonly Fault[]): number {
  return Math.min(up.rateMbit, down.rateMbit) * Math.min(1, product(faults, "rate", Math.min));
}

function product(faults: readonly Fault[], kind: "rate" | "delay", worse: (a: number, b: number) => number): number {
  return faults.filter((fault) => fault.kind === kind).reduce((factor, fault) => factor * worse(1, fault.factor), 1);
}
