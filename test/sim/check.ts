import type { DropReason } from "@edgebos/tunnel";
import { pauseBoundUs, slotsBound } from "./bounds.ts";
import type { Endpoint } from "./endpoint.ts";
import type { PauseWatch } from "./pause-watch.ts";
import type { Scenario } from "./scenario.ts";

const SAMPLE_EVERY_US = 5_000;
/** Wake-ups for deadlines at which nothing happened, per datagram sent and per second: a loop that polls instead of waiting makes far more. */
const IDLE_WAKE_UPS_PER_DATAGRAM = 1;
const IDLE_WAKE_UPS_PER_SECOND = 200;
/** Class selector 1: what the sender itself calls less important. */
const BACKGROUND_DSCP = 8;
/** Drops that no link, fault or peer of these worlds can cause. */
const IMPOSSIBLE_DROPS: readonly DropReason[] = [
  "truncated",
  "bad-version",
  "unauthenticated",
  "malformed",
  "no-buffer",
];

export interface Outcome {
  readonly seed: number;
  readonly description: string;
  /** Broken invariants, as sentences; empty when all hold. */
  readonly violations: string[];
  readonly longestPauseMs: number;
  /** Longest pause ÷ its bound. */
  readonly pauseShare: number;
  /** Most buffers in use at one end ÷ their bound. */
  readonly slotsShare: number;
  readonly deliveredPackets: number;
}

/** Runs a scenario to its end and says which invariants broke. */
export function runScenario(scenario: Scenario): Outcome {
  const { world, seed, description, endAt } = scenario;
  const violations: string[] = [];
  const ends = [world.client, world.server];
  let mostSlots = 0;
  world.every(SAMPLE_EVERY_US, endAt, () => {
    for (const { pool } of ends) mostSlots = Math.max(mostSlots, pool.slots - pool.freeSlots);
  });
  const slotsMax = slotsBound(scenario);
  try {
    world.runUntil(endAt);
    violations.push(...flowViolations(scenario), ...pauseViolations(scenario), ...lossViolations(scenario));
    if (mostSlots > slotsMax) violations.push(`${mostSlots} buffers were in use at one end, ${slotsMax} expected`);
    for (const end of ends) violations.push(...endViolations(end, endAt));
  } catch (error) {
    violations.push(`threw ${error instanceof Error ? error.stack : String(error)}`);
  }
  return {
    seed,
    description,
    violations,
    longestPauseMs: Math.max(...pausesOf(scenario).map(({ watch }) => watch.longestUs)) / 1_000,
    pauseShare: Math.max(...pausesOf(scenario).map(({ watch, boundUs }) => watch.longestUs / boundUs)),
    slotsShare: mostSlots / slotsMax,
    deliveredPackets: world.client.deliveredPackets + world.server.deliveredPackets,
  };
}

function flowViolations({ flows }: Scenario): string[] {
  const violations: string[] = [];
  for (const flow of flows.udp) {
    const name = `flow ${flow.port}`;
    if (flow.duplicatePackets > 0) violations.push(`${name}: ${flow.duplicatePackets} packets delivered twice`);
    if (flow.corruptPackets > 0) violations.push(`${name}: ${flow.corruptPackets} packets corrupted`);
    if (flow.isOrdered && flow.reorderedPackets > 0)
      violations.push(`${name}: ${flow.reorderedPackets} packets out of order`);
  }
  for (const { port, receiver, peerWindow } of flows.tcp) {
    if (peerWindow.shrunk > 0) violations.push(`flow ${port}: the window shrank ${peerWindow.shrunk} times`);
    if (receiver.overtakenPackets > 0)
      violations.push(`flow ${port}: TCP saw ${receiver.overtakenPackets} packets twice or out of order`);
  }
  return violations;
}

interface Pause {
  readonly port: number;
  readonly watch: PauseWatch;
  readonly boundUs: number;
}

function pausesOf(scenario: Scenario): Pause[] {
  const boundUs = pauseBoundUs(scenario, false);
  const backgroundBoundUs = pauseBoundUs(scenario, true);
  return [
    ...scenario.flows.udp.map(({ port, pauses, options }) => ({
      port,
      watch: pauses,
      boundUs: options.dscp === BACKGROUND_DSCP ? backgroundBoundUs : boundUs,
    })),
    ...scenario.flows.tcp.map(({ port, receiver }) => ({ port, watch: receiver.pauses, boundUs })),
  ];
}

function pauseViolations(scenario: Scenario): string[] {
  return pausesOf(scenario)
    .filter(({ watch, boundUs }) => watch.longestUs > boundUs)
    .map(
      ({ port, watch, boundUs }) =>
        `flow ${port}: nothing for ${ms(watch.longestUs)} ms until ${ms(watch.longestAt)} ms, at most ${ms(boundUs)} expected`,
    );
}

/** What went into a bond comes out of the other, except for what its own queue management dropped. */
function lossViolations({ world, flows, firstNumbers }: Scenario): string[] {
  const violations: string[] = [];
  const client = world.client.bond.stats();
  const server = world.server.bond.stats();
  const lost = (from: typeof client, to: typeof client): number =>
    from.innerTxPackets - from.queueDrops - to.innerRxPackets;
  if (lost(client, server) !== 0) violations.push(`${lost(client, server)} packets lost on the way up`);
  if (lost(server, client) !== 0) violations.push(`${lost(server, client)} packets lost on the way down`);
  const missing = flows.udp.reduce((sum, flow) => sum + flow.missingFrom(firstNumbers.get(flow.port) ?? 0), 0);
  const excused = client.queueDrops + server.queueDrops + world.client.refusedPackets + world.server.refusedPackets;
  if (missing > excused) violations.push(`${missing} UDP packets missing, ${excused} dropped`);
  const skipped = client.skippedGaps + server.skippedGaps;
  if (skipped > 0) violations.push(`${skipped} gaps given up`);
  return violations;
}

/** Memory, timers and drops of one end when all is quiet. Closes its bond. */
function endViolations(end: Endpoint, endAt: number): string[] {
  const violations: string[] = [];
  const { bond, pool } = end;
  const name = end.isClient ? "client" : "server";
  const { drops } = bond.stats();
  for (const reason of IMPOSSIBLE_DROPS) {
    if (drops[reason] > 0) violations.push(`${name}: ${drops[reason]} datagrams dropped as ${reason}`);
  }
  const used = pool.slots - pool.freeSlots - bond.pathIds().length;
  if (used !== 0) violations.push(`${name}: ${used} buffers still in use when all is quiet`);
  const idleMax = end.datagrams * IDLE_WAKE_UPS_PER_DATAGRAM + (endAt / 1e6) * IDLE_WAKE_UPS_PER_SECOND;
  if (end.idleWakeUps > idleMax)
    violations.push(`${name}: ${end.idleWakeUps} wake-ups for nothing, at most ${Math.round(idleMax)} expected`);
  end.shutDown();
  if (end.leakedSlots > 0) violations.push(`${name}: ${end.leakedSlots} buffers leaked by close`);
  return violations;
}

function ms(us: number): string {
  return (us / 1_000).toFixed(0);
}
