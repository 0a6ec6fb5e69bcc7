import type { Algorithm, BondPlan, LinkRole, Micros, PathId, PathPlan } from "@edgebos/tunnel";
import type { LinkOptions } from "./link.ts";
import { Random } from "./random.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World, type WorldLink } from "./world.ts";

const SECOND_US = 1_000_000;
const START_US = 1.5 * SECOND_US;
const ALGORITHMS: readonly Algorithm[] = [
  "adaptive",
  "adaptive",
  "adaptive",
  "round-robin",
  "weighted",
  "latency-based",
];
/** Packets per second of one flow; beyond it the memory for resequencing, which is bounded on purpose, decides. */
const PACKET_RATE_MAX = 2_000;

export interface Scenario {
  readonly seed: number;
  readonly world: World;
  readonly flows: UdpFlow[];
  /** One line that tells what is simulated. */
  readonly description: string;
  readonly endAt: number;
}

/**
 * A random world from a seed: links, faults and flows. Link 0 is never cut, so that a live path always exists and nothing but the
 * bond's own queue management may lose a packet.
 */
export function createScenario(seed: number): Scenario {
  const random = new Random(seed);
  const links = Array.from({ length: random.integer(1, 4) }, () => createLink(random));
  const world = new World({ seed, links, slots: 32_768 });
  const algorithm = random.pick(ALGORITHMS);
  applyPlan(world, algorithm, links.length, random);
  const stopAt = START_US + random.between(2, 8) * SECOND_US;
  const flows = createFlows(world, links, stopAt, random);
  const faults = createFaults(world, links.length, stopAt, random);
  const rates = links.map((link) => `${link.up.rateMbit.toFixed(1)}M/${link.up.delayMs.toFixed(0)}ms`).join(" ");
  const description = `${algorithm}; ${rates}; ${flows.length} flows; faults: ${faults.join(", ") || "none"}`;
  return { seed, world, flows, description, endAt: stopAt + 12 * SECOND_US };
}

function createLink(random: Random): WorldLink {
  const shared = {
    delayMs: random.pick([2, 10, 30, 60, 150, 300]) * random.between(0.7, 1.3),
    jitterMs: random.chance(0.4) ? random.between(0, 25) : 0,
    lossPct: random.chance(0.5) ? random.between(0, 3) : 0,
    queueMs: random.between(30, 300),
    reorderPct: random.chance(0.2) ? random.between(0, 1) : 0,
    reorderMs: random.between(1, 20),
    duplicatePct: random.chance(0.2) ? random.between(0, 1) : 0,
    ...(random.chance(0.15) ? { burstLoss: { toBad: 0.002, toGood: 0.2, lossInBad: 0.6 } } : {}),
  };
  const direction = (): LinkOptions => ({ ...shared, rateMbit: 2 ** random.between(0, 7) });
  const isSmall = random.chance(0.2);
  return { up: direction(), down: direction(), ...(isSmall ? { maxDatagramBytes: random.integer(1_200, 1_472) } : {}) };
}

function applyPlan(world: World, algorithm: Algorithm, count: number, random: Random): void {
  const paths = new Map<PathId, PathPlan>();
  for (let id = 0; id < count; id++) {
    const role: LinkRole = id === 0 || random.chance(0.7) ? "primary" : random.pick(["backup", "metered"]);
    paths.set(id as PathId, { enabled: true, role, weight: random.between(0.5, 4), rateLimitBps: 0 });
  }
  const plan: BondPlan = { algorithm, paths };
  world.client.bond.applyPlan(plan, 0 as Micros);
  world.server.bond.applyPlan(plan, 0 as Micros);
}

function createFlows(world: World, links: readonly WorldLink[], stopAt: number, random: Random): UdpFlow[] {
  const flows: UdpFlow[] = [];
  const handlers = { up: new Map<number, UdpFlow>(), down: new Map<number, UdpFlow>() };
  for (let i = random.integer(1, 5); i > 0; i--) {
    const direction = random.pick(["up", "down"] as const);
    const capacity = links.reduce((sum, link) => sum + link[direction].rateMbit, 0);
    const packetBytes = random.pick([60, 200, 1_000, 1_400, 1_436, 1_500, 1_900]);
    const flow = new UdpFlow(direction === "up" ? world.client : world.server, {
      port: 5_000 + i,
      rateMbit: Math.min(capacity * random.pick([0.01, 0.1, 0.3, 0.6, 1.3]), PACKET_RATE_MAX * packetBytes * 8e-6),
      packetBytes,
      startAt: START_US + random.between(0, SECOND_US),
      stopAt,
      dscp: random.pick([0, 0, 0, 46, 8]),
    });
    flows.push(flow);
    handlers[direction].set(flow.port, flow);
    world.add(flow);
  }
  const dispatch =
    (flowsByPort: Map<number, UdpFlow>) => (view: DataView, offset: number, length: number, now: number) => {
      flowsByPort.get(view.getUint16(offset + 20))!.receive(view, offset, length, now);
    };
  world.server.onInner = dispatch(handlers.up);
  world.client.onInner = dispatch(handlers.down);
  return flows;
}

function createFaults(world: World, count: number, stopAt: number, random: Random): string[] {
  const faults: string[] = [];
  for (let i = random.integer(0, 3); i > 0; i--) {
    const index = random.integer(0, count - 1);
    const at = random.between(START_US, stopAt);
    const until = at + random.between(0.05, 3) * SECOND_US;
    const kind = random.pick(index === 0 ? ["rate", "delay"] : ["cut", "half-cut", "suspend", "rate", "delay"]);
    faults.push(`${kind} ${index} at ${(at / SECOND_US).toFixed(2)}–${(until / SECOND_US).toFixed(2)} s`);
    schedule(world, kind, index, at, until, random);
  }
  return faults;
}

function schedule(world: World, kind: string, index: number, at: number, until: number, random: Random): void {
  const up = world.up[index]!;
  const down = world.down[index]!;
  const cut = (isCut: boolean): void => {
    up.isCut = isCut;
    if (kind === "cut") down.isCut = isCut;
  };
  const factor = random.between(0.3, 2);
  switch (kind) {
    case "cut":
    case "half-cut":
      world.at(at, () => cut(true));
      world.at(until, () => cut(false));
      break;
    case "suspend":
      world.at(at, (now) => suspend(world, index, now));
      world.at(until, (now) => resume(world, index, now));
      break;
    case "rate":
      world.at(at, (now) => up.change({ rateMbit: up.options.rateMbit * factor }, now));
      world.at(until, (now) => up.change({ rateMbit: up.options.rateMbit / factor }, now));
      break;
    default:
      world.at(at, (now) => up.change({ delayMs: up.options.delayMs * factor }, now));
      world.at(until, (now) => up.change({ delayMs: up.options.delayMs / factor }, now));
  }
}

/** The link goes: netlink tells the client at once, the control channel tells the server a little later. */
function suspend(world: World, index: number, now: number): void {
  world.up[index]!.isCut = true;
  world.down[index]!.isCut = true;
  world.client.suspend(index as PathId, now);
  world.at(now + 80_000, (later) => world.server.suspend(index as PathId, later));
}

function resume(world: World, index: number, now: number): void {
  world.up[index]!.isCut = false;
  world.down[index]!.isCut = false;
  world.client.resume(index as PathId, now);
  world.at(now + 80_000, (later) => world.server.resume(index as PathId, later));
}
