import type { BondPlan } from "@edgebos/tunnel";
import { Clock } from "./clock.ts";
import { Naps } from "./naps.ts";
import { Random } from "./random.ts";
import { createFaults, createPlan, createRole, describeFault, type Fault, schedule } from "./random-faults.ts";
import { createFlows, type Flows } from "./random-flows.ts";
import { createLinks, describeLink } from "./random-links.ts";
import { World, type WorldEnd, type WorldLink } from "./world.ts";

const SECOND_US = 1_000_000;
const START_US = 1.5 * SECOND_US;
/** After the last packet: an overloaded queue of two seconds, behind repairs over the slowest path. */
const QUIET_US = 12 * SECOND_US;
const SLOTS = 32_768;
/** Machines have been up for some time, at most eleven days here, and their quartz is off by this much at most. */
const OFFSET_MAX_US = 1e12;
const DRIFT_MAX_PPM = 100;

export interface Scenario {
  readonly seed: number;
  readonly world: World;
  readonly links: readonly WorldLink[];
  /** The first one, and those that replace it. */
  readonly plans: readonly BondPlan[];
  readonly faults: readonly Fault[];
  readonly flows: Flows;
  /** Per UDP flow: the first number that no restart can have taken with it. */
  readonly firstNumbers: Map<number, number>;
  /** One line that tells what is simulated. */
  readonly description: string;
  readonly stopAt: number;
  readonly endAt: number;
}

/**
 * A random world from a seed: links, faults and flows. Link 0 is never cut, so that a live path always exists and nothing but the
 * bond's own queue management, or the end of a process, may lose a packet.
 */
export function createScenario(seed: number): Scenario {
  const random = new Random(seed);
  const links = createLinks(random);
  const helpHosts = random.chance(0.8);
  const client = createEnd(random, seed + 11);
  const server = createEnd(random, seed + 13);
  const world = new World({ seed, links, slots: SLOTS, helpHosts, client, server });
  const roleOfFirst = createRole(random);
  const plan = createPlan(random, links.length, roleOfFirst);
  world.client.applyPlan(plan, 0);
  world.server.applyPlan(plan, 0);
  const stopAt = START_US + random.between(2, 6) * SECOND_US;
  const flows = createFlows(world, links, START_US, stopAt, random);
  const faults = createFaults(random, links.length, roleOfFirst, START_US, stopAt);
  const firstNumbers = new Map<number, number>();
  const onRestart = (): void => {
    for (const flow of flows.udp) firstNumbers.set(flow.port, flow.sentPackets);
  };
  const plans = [plan];
  const createNextPlan = (): BondPlan => {
    plans.push(createPlan(random, links.length, roleOfFirst));
    return plans.at(-1)!;
  };
  for (const fault of faults) schedule(world, fault, random, createNextPlan, onRestart);
  const roles = [...plan.paths.values()].map((path) => path.role[0]).join("");
  const description = `${plan.algorithm} ${roles}; ${links.map(describeLink).join(" | ")}; ${flows.udp.length} UDP, ${flows.tcp.length} TCP; ${faults.map(describeFault).join(", ") || "no faults"}`;
  return { seed, world, links, plans, faults, flows, firstNumbers, description, stopAt, endAt: stopAt + QUIET_US };
}

/** Clocks agree in one end of three; a third of the ends have a machine of their own. */
function createEnd(random: Random, seed: number): WorldEnd {
  const isOff = random.chance(0.67);
  const clock = isOff
    ? new Clock(random.between(0, OFFSET_MAX_US), random.between(-DRIFT_MAX_PPM, DRIFT_MAX_PPM))
    : new Clock();
  return { clock, naps: random.chance(0.67) ? new Naps(new Random(seed)) : undefined };
}
