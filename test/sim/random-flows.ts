import type { Random } from "./random.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { UdpFlow } from "./udp-flow.ts";
import type { World, WorldLink } from "./world.ts";

const SECOND_US = 1_000_000;
const FLOWS_MAX = 5;
/** Packets per second of one flow. */
const PACKET_RATE_MAX = 2_000;
const FIRST_PORT = 5_000;
const SERVER_PORT = 443;
const TCP = 6;
const ICMP = 1;
const PING_RATE_MAX = 100;
/** At this rate and above, hosts get small windows, for the sake of speed. */
const FAST_MBIT = 60;

export interface Flows {
  readonly udp: UdpFlow[];
  readonly tcp: TcpFlow[];
}

/** One to five flows, up or down: constant or on-off UDP from a trickle to more than all links carry, pings, TCP with and without enough to say. */
export function createFlows(
  world: World,
  links: readonly WorldLink[],
  startAt: number,
  stopAt: number,
  random: Random,
): Flows {
  const flows: Flows = { udp: [], tcp: [] };
  const sources = new Map<number, "up" | "down">();
  for (let i = random.integer(1, FLOWS_MAX); i > 0; i--) {
    const direction = random.pick(["up", "down"] as const);
    const port = FIRST_PORT + i;
    const capacityMbit = links.reduce((sum, link) => sum + link[direction].rateMbit, 0);
    const times = { port, startAt: startAt + random.between(0, SECOND_US), stopAt };
    sources.set(port, direction);
    if (random.chance(0.35)) flows.tcp.push(createTcp(world, direction, capacityMbit, times, random));
    else flows.udp.push(createUdp(world, direction, capacityMbit, times, random));
  }
  for (const flow of [...flows.udp, ...flows.tcp]) world.add(flow);
  dispatch(world, flows, sources);
  return flows;
}

interface Times {
  readonly port: number;
  readonly startAt: number;
  readonly stopAt: number;
}

function createUdp(
  world: World,
  direction: "up" | "down",
  capacityMbit: number,
  times: Times,
  random: Random,
): UdpFlow {
  const isPing = random.chance(0.15);
  const packetBytes = isPing ? random.pick([64, 84, 900]) : random.pick([60, 200, 1_000, 1_400, 1_436, 1_500, 1_900]);
  const packetRate = isPing ? random.between(1, PING_RATE_MAX) : PACKET_RATE_MAX;
  const rests = random.chance(0.25);
  return new UdpFlow(direction === "up" ? world.client : world.server, {
    ...times,
    rateMbit: Math.min(capacityMbit * random.pick([0.01, 0.1, 0.3, 0.6, 1.3]), packetRate * packetBytes * 8e-6),
    packetBytes,
    dscp: random.pick([0, 0, 0, 46, 8]),
    ...(isPing ? { protocol: ICMP } : {}),
    ...(rests ? { onOff: { onUs: random.between(2e4, 1e6), offUs: random.between(2e4, 2e6) } } : {}),
  });
}

function createTcp(
  world: World,
  direction: "up" | "down",
  capacityMbit: number,
  times: Times,
  random: Random,
): TcpFlow {
  const [sender, receiver] = direction === "up" ? [world.client, world.server] : [world.server, world.client];
  const windowBytes = random.pick([64_000, 256_000, 1_000_000, 3_000_000]);
  const isLimited = random.chance(0.4);
  const isShort = random.chance(0.3);
  return new TcpFlow(sender, receiver, {
    ...times,
    congestion: random.pick(["cubic", "bbr"]),
    windowBytes: capacityMbit > FAST_MBIT ? Math.min(256_000, windowBytes) : windowBytes,
    segmentPayloadBytes: random.pick([1_384, 1_384, 1_448, 536]),
    ...(isLimited ? { writes: { bytes: 2 ** random.between(10, 18), periodUs: random.between(2e4, 1e6) } } : {}),
    ...(isShort ? { totalBytes: 2 ** random.between(10, 20) } : {}),
  });
}

/** Finds the flow of what comes out by its port. */
function dispatch(world: World, flows: Flows, sources: ReadonlyMap<number, "up" | "down">): void {
  const udp = new Map(flows.udp.map((flow) => [flow.port, flow]));
  const tcp = new Map(flows.tcp.map((flow) => [flow.port, flow]));
  const handler =
    (comingFrom: "up" | "down") =>
    (view: DataView, offset: number, length: number, now: number): void => {
      if (view.getUint8(offset + 9) !== TCP) {
        udp.get(view.getUint16(offset + 20))!.receive(view, offset, length, now);
        return;
      }
      const isFromServerPort = view.getUint16(offset + 20) === SERVER_PORT;
      const port = view.getUint16(offset + (isFromServerPort ? 22 : 20));
      const flow = tcp.get(port)!;
      if (sources.get(port) === comingFrom) flow.receiveAtReceiver(view, offset, length, now);
      else flow.receiveAtSender(view, offset, length, now);
    };
  world.server.onInner = handler("up");
  world.client.onInner = handler("down");
}
