import type { Algorithm, BondPlan, LinkRole, PathId, PathPlan } from "@edgebos/tunnel";
import type { Link } from "./link.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

const SECOND_US = 1_000_000;
/** News travel to the server over the control channel. */
const CONTROL_US = 80_000;
/** Keys are replaced at most this often; a control channel over a dying link is dialled again no faster. */
const REKEY_EVERY_US = 2_500_000;
/** Adaptive is the default and gets twice as many worlds as the others. */
const ALGORITHMS: readonly Algorithm[] = [
  "adaptive",
  "adaptive",
  "redundant",
  "round-robin",
  "weighted",
  "latency-based",
];
/** What every path passes, and how much more a factor of one adds. */
const MTU_MIN_BYTES = 1_228;
const MTU_STEP_BYTES = 100;
const RATE_LIMIT_MIN_BPS = 500_000;

type FaultKind = "cut" | "half-cut" | "suspend" | "rate" | "delay" | "mtu" | "move" | "plan" | "rekey" | "restart";
/** What may befall link 0, which always lives, and what the others. */
const KINDS_OF_FIRST: readonly FaultKind[] = ["rate", "rate", "delay", "delay", "mtu", "move", "plan", "rekey"];
const KINDS_OF_OTHERS: readonly FaultKind[] = [...KINDS_OF_FIRST, "cut", "cut", "half-cut", "suspend", "suspend"];
const RESTART_CHANCE = 0.1;

export interface Fault {
  readonly kind: FaultKind;
  readonly link: number;
  readonly at: number;
  readonly until: number;
  /** By how much a rate or a delay changes, and how wide the way stays. */
  readonly factor: number;
}

/**
 * Up to four faults, and now and then the end of one of the processes. The first link keeps its address if it is metered: a client that is silent there for ten seconds is
 * not found any sooner.
 */
export function createFaults(
  random: Random,
  links: number,
  roleOfFirst: LinkRole,
  startAt: number,
  stopAt: number,
): Fault[] {
  const faults: Fault[] = [];
  for (let i = random.integer(0, 4); i > 0; i--) {
    const link = random.integer(0, links - 1);
    const at = random.between(startAt, stopAt);
    const until = at + random.between(0.05, 3) * SECOND_US;
    const kind = random.pick(link === 0 ? KINDS_OF_FIRST : KINDS_OF_OTHERS);
    if (kind === "rekey" && faults.some((other) => other.kind === kind && Math.abs(other.at - at) < REKEY_EVERY_US))
      continue;
    if (kind === "move" && link === 0 && roleOfFirst === "metered") continue;
    faults.push({ kind, link, at, until, factor: random.between(0.3, 2) });
  }
  if (random.chance(RESTART_CHANCE)) {
    const at = random.between(startAt, stopAt);
    faults.push({ kind: "restart", link: 0, at, until: at + random.between(0.2, 1.5) * SECOND_US, factor: 1 });
  }
  return faults;
}

export function describeFault({ kind, link, at, until, factor }: Fault): string {
  const time = `${(at / SECOND_US).toFixed(2)}–${(until / SECOND_US).toFixed(2)} s`;
  if (kind === "restart" || kind === "rekey" || kind === "plan") return `${kind} at ${time}`;
  return kind === "rate" || kind === "delay"
    ? `${kind} ${link} ×${factor.toFixed(2)} at ${time}`
    : `${kind} ${link} at ${time}`;
}

/** A plan as the scheduler service may make one. Path 0 is always enabled, and has the role `roleOfFirst`. */
export function createPlan(random: Random, links: number, roleOfFirst: LinkRole): BondPlan {
  const paths = new Map<PathId, PathPlan>();
  for (let id = 0; id < links; id++) {
    const role = id === 0 ? roleOfFirst : createRole(random);
    const rateLimitBps = random.chance(0.1) ? RATE_LIMIT_MIN_BPS * 2 ** random.between(0, 6) : 0;
    const enabled = id === 0 || random.chance(0.95);
    paths.set(id as PathId, { enabled, role, weight: random.between(0.5, 4), rateLimitBps });
  }
  return { algorithm: random.pick(ALGORITHMS), paths };
}

export function createRole(random: Random): LinkRole {
  return random.chance(0.7) ? "primary" : random.pick(["backup", "metered"]);
}

/** Puts a fault on the world's agenda. `onRestart` is called when both ends have begun anew. */
export function schedule(
  world: World,
  fault: Fault,
  random: Random,
  createNextPlan: () => BondPlan,
  onRestart: () => void,
): void {
  const { kind, link, at, until, factor } = fault;
  const up = world.up[link]!;
  const down = world.down[link]!;
  switch (kind) {
    case "cut":
      world.at(at, () => cut(true, up, down));
      world.at(until, () => cut(false, up, down));
      break;
    case "half-cut":
      world.at(at, () => cut(true, up));
      world.at(until, () => cut(false, up));
      break;
    case "suspend":
      world.at(at, (now) => suspend(world, link, now));
      world.at(until, (now) => resume(world, link, now));
      break;
    case "rate":
      world.at(at, (now) => scaleRate(up, down, factor, now));
      world.at(until, (now) => scaleRate(up, down, 1 / factor, now));
      break;
    case "delay":
      world.at(at, (now) => scaleDelay(up, down, factor, now));
      world.at(until, (now) => scaleDelay(up, down, 1 / factor, now));
      break;
    case "mtu":
      world.at(at, (now) => limitMtu(up, down, MTU_MIN_BYTES + factor * MTU_STEP_BYTES, now));
      world.at(until, (now) => limitMtu(up, down, Number.POSITIVE_INFINITY, now));
      break;
    case "move":
      world.at(at, () => world.move(link as PathId));
      break;
    case "plan":
      schedulePlan(world, at, createNextPlan());
      break;
    case "rekey":
      world.at(at, (now) => rekey(world, now));
      break;
    case "restart":
      scheduleRestart(world, fault, random, onRestart);
      break;
  }
}

function cut(isCut: boolean, ...links: readonly Link[]): void {
  for (const link of links) link.isCut = isCut;
}

function scaleRate(up: Link, down: Link, factor: number, now: number): void {
  for (const link of [up, down]) link.change({ rateMbit: link.options.rateMbit * factor }, now);
}

function scaleDelay(up: Link, down: Link, factor: number, now: number): void {
  for (const link of [up, down]) link.change({ delayMs: link.options.delayMs * factor }, now);
}

function limitMtu(up: Link, down: Link, mtuBytes: number, now: number): void {
  for (const link of [up, down]) link.change({ mtuBytes }, now);
}

function schedulePlan(world: World, at: number, plan: BondPlan): void {
  world.at(at, (now) => world.client.applyPlan(plan, now));
  world.at(at + CONTROL_US, (now) => world.server.applyPlan(plan, now));
}

/** The server makes the next epoch's keys, the control channel tells the client. */
function rekey(world: World, now: number): void {
  const { server, client } = world;
  const { session } = server;
  const epoch = server.epoch + 1;
  server.installKeys(epoch, now);
  world.at(now + CONTROL_US, (later) => {
    if (client.session === session) client.installKeys(epoch, later);
  });
}

/** The link goes: netlink tells the client at once, the control channel tells the server a little later. */
function suspend(world: World, index: number, now: number): void {
  cut(true, world.up[index]!, world.down[index]!);
  world.client.suspend(index as PathId, now);
  world.at(now + CONTROL_US, (later) => world.server.suspend(index as PathId, later));
}

function resume(world: World, index: number, now: number): void {
  cut(false, world.up[index]!, world.down[index]!);
  world.client.resume(index as PathId, now);
  world.at(now + CONTROL_US, (later) => world.server.resume(index as PathId, later));
}

/** One process ends without a word; when it is back, both begin a new session, the server first. */
function scheduleRestart(world: World, { at, until }: Fault, random: Random, onRestart: () => void): void {
  const casualty = random.pick([world.client, world.server]);
  world.at(at, () => casualty.shutDown());
  world.at(until, (now) => world.server.start(1, now));
  world.at(until + CONTROL_US, (now) => {
    world.client.start(1, now);
    onRestart();
  });
}
