import type { Scenario } from "./scenario.ts";

/** A path that dies is left within two round trips; a lossy 400 ms path may need several repairs in a row. */
const STALL_BOUND_US = 4_000_000;

export interface Outcome {
  readonly seed: number;
  readonly description: string;
  /** Broken invariants, as sentences; empty when all hold. */
  readonly violations: string[];
  readonly longestGapMs: number;
  readonly deliveredPackets: number;
}

/** Runs a scenario to its end and says which invariants broke. */
export function runScenario(scenario: Scenario): Outcome {
  const { world, flows, seed, description } = scenario;
  const violations: string[] = [];
  try {
    world.runUntil(scenario.endAt);
    violations.push(...flowViolations(scenario), ...memoryViolations(scenario));
  } catch (error) {
    violations.push(`threw ${error instanceof Error ? error.stack : String(error)}`);
  }
  return {
    seed,
    description,
    violations,
    longestGapMs: Math.max(...flows.map((flow) => flow.longestGapUs)) / 1_000,
    deliveredPackets: flows.reduce((sum, flow) => sum + flow.receivedPackets, 0),
  };
}

function flowViolations({ world, flows }: Scenario): string[] {
  const violations: string[] = [];
  for (const flow of flows) {
    const name = `flow ${flow.port}`;
    if (flow.duplicatePackets > 0) violations.push(`${name}: ${flow.duplicatePackets} packets delivered twice`);
    if (flow.corruptPackets > 0) violations.push(`${name}: ${flow.corruptPackets} packets corrupted`);
    if (flow.reorderedPackets > 0) violations.push(`${name}: ${flow.reorderedPackets} packets out of order`);
    if (flow.longestGapUs > STALL_BOUND_US + flow.intervalUs) {
      violations.push(`${name}: nothing for ${Math.round(flow.longestGapUs / 1_000)} ms`);
    }
  }
  const sent = flows.reduce((sum, flow) => sum + flow.sentPackets, 0);
  const received = flows.reduce((sum, flow) => sum + flow.receivedPackets, 0);
  const { client, server } = world;
  const dropped = client.bond.stats().queueDrops + server.bond.stats().queueDrops;
  const lost = sent - received - dropped - client.refusedPackets - server.refusedPackets;
  if (lost !== 0) violations.push(`${lost} packets lost without a live path's need`);
  const skipped = client.bond.stats().skippedGaps + server.bond.stats().skippedGaps;
  if (skipped > 0) violations.push(`${skipped} gaps given up`);
  return violations;
}

function memoryViolations({ world }: Scenario): string[] {
  const violations: string[] = [];
  for (const [name, endpoint] of Object.entries({ client: world.client, server: world.server })) {
    const { bond, pool } = endpoint;
    const records = bond.pathIds().length;
    const used = pool.slots - pool.freeSlots - records;
    if (used !== 0) violations.push(`${name}: ${used} buffers still in use when all is quiet`);
    bond.close();
    if (pool.freeSlots !== pool.slots)
      violations.push(`${name}: ${pool.slots - pool.freeSlots} buffers leaked by close`);
  }
  return violations;
}
