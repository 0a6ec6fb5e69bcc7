/**
 * The lab: a client with several uplinks, a server with one address, and hosts behind both. <p> is the lab's prefix.
 *
 *   <p>-l          <p>-c                          <p>-r                       <p>-s                   <p>-w
 *   LAN host       client                         access networks             aggregation server      internet host
 *
 *   lan0           lan0    link0 ════ emulator ═══ net0
 *   192.168.77.2 ─ .1      10.11.0.2         10.11.0.1  │
 *   fd77::2        fd77::1 fd11::2             fd11::1  │
 *                          link1 ════ emulator ═══ net1 ├ core ───────────── eth0        wan0 ──────── eth0
 *                          10.12.0.2         10.12.0.1  │ 203.0.113.2         203.0.113.1 198.51.100.1  198.51.100.2
 *                          …                            │ 2001:db8:113::2     …::1        2001:db8:100::1        ::2
 *
 * Double lines are pairs of TAP devices joined by the emulator process (in <p>-r), or plain veth pairs with
 * `unshaped`; single lines are veth pairs. Each link is a subnet with a gateway and a default route of its own in the
 * client, metrics 100, 101, … as DHCP would leave them. A second client is <p>-c2 with links 10.21.0.2, 10.22.0.2, …
 * and LAN <p>-l2 with 192.168.78.0/24. Several labs live side by side, each with its prefix.
 */
import { join } from "node:path";
import type { DirectionCounters, DirectionName, DirectionSettings } from "./emulator/settings.ts";
import { EmulatorControl } from "./emulator-control.ts";
import {
  INTERNET_HOST,
  INTERNET_HOST_V6,
  type LabClient,
  type LabLink,
  type LabOptions,
  type LabPlan,
  near,
  planLab,
  SERVER_ADDRESS,
  SERVER_ADDRESS_V6,
  SERVER_WAN_ADDRESS,
} from "./plan.ts";
import { run } from "./process.ts";
import { directionOf } from "./profiles.ts";
import { claimLab, refuseForeign, removeLab } from "./state.ts";

/** Frames that a TAP keeps until the emulator reads it; the queue that counts is the emulator's. */
const TAP_QUEUE_FRAMES = 4000;
/** The kernel handles carrier changes at most once a second. */
const CARRIER_TIMEOUT_MS = 5000;
/** What the internet host sends with, unless a program chooses: Linux' default, whatever this machine's is. A namespace may not choose it for itself. */
const HOST_CONGESTION_CONTROL = "cubic";

/** Builds a lab; one with the same prefix that was left over is removed first. Refuses if another process uses it. */
export async function createLab(options: LabOptions): Promise<Lab> {
  const plan = planLab(options);
  refuseForeign(options.prefix);
  await removeLab(options.prefix);
  claimLab(options.prefix, plan.namespaces);
  try {
    await addNamespaces(plan.namespaces, options.tcpBufferBytes);
    await batch(undefined, wires(plan));
    const emulator = options.unshaped ? undefined : await startEmulator(options, plan);
    const lab = new Lab(plan, emulator);
    await addCore(plan);
    for (const client of plan.clients) {
      await addLan(client, plan);
      for (const link of client.links) await lab.plug(client, link);
    }
    await Promise.all(plan.namespaces.map(waitForCarriers));
    return lab;
  } catch (error) {
    await removeLab(options.prefix);
    throw error;
  }
}

/** A lab that stands. */
export class Lab {
  readonly plan: LabPlan;
  readonly #emulator: EmulatorControl | undefined;

  constructor(plan: LabPlan, emulator: EmulatorControl | undefined) {
    this.plan = plan;
    this.#emulator = emulator;
  }

  /** The first client; most labs have one. */
  get client(): LabClient {
    return this.plan.clients[0]!;
  }

  get server(): string {
    return this.plan.server;
  }

  get internet(): string {
    return this.plan.internet;
  }

  /** For logs, keys and configuration; goes with the lab. */
  get directory(): string {
    return this.plan.directory;
  }

  /** Changes what a link does to frames, in both directions unless told. */
  async change(link: LabLink, set: Partial<DirectionSettings>, directions?: readonly DirectionName[]): Promise<void> {
    await this.#requireEmulator().set(link.index, set, directions);
  }

  /** Silent black hole, or its end. The carrier stays up. */
  async cut(link: LabLink, cut: boolean): Promise<void> {
    await this.change(link, { cut });
  }

  /** Pulls the cable, or puts it back: the device stays, its carrier goes. */
  async setCarrier(client: LabClient, link: LabLink, on: boolean): Promise<void> {
    await run(["ip", "-n", client.namespace, "link", "set", link.device, "carrier", on ? "on" : "off"]);
  }

  /** The device vanishes from the client, like a USB modem that is pulled. */
  async unplug(client: LabClient, link: LabLink): Promise<void> {
    await run([
      "ip",
      "-n",
      client.namespace,
      "link",
      "set",
      link.device,
      "netns",
      this.plan.access,
      "name",
      near(link),
    ]);
  }

  /** The device appears in the client, with address and default route. */
  async plug(client: LabClient, link: LabLink): Promise<void> {
    const { device, gateway, gatewayV6, metric } = link;
    await batch(this.plan.access, [`link set ${near(link)} netns ${client.namespace} name ${device}`]);
    await batch(client.namespace, [
      `address add ${link.address}/24 dev ${device}`,
      `address add ${link.addressV6}/64 dev ${device} nodad`,
      `link set ${device} up`,
      `route add default via ${gateway} dev ${device} metric ${metric}`,
      `route add default via ${gatewayV6} dev ${device} metric ${metric}`,
    ]);
  }

  /** Per link, frames and bytes that went in and came out, and why the rest did not. */
  async counters(): Promise<readonly Record<DirectionName, DirectionCounters>[]> {
    return this.#requireEmulator().counters();
  }

  async destroy(): Promise<void> {
    await removeLab(this.plan.prefix);
  }

  #requireEmulator(): EmulatorControl {
    if (!this.#emulator) throw new Error("this lab has unshaped links: there is no emulator to talk to");
    return this.#emulator;
  }
}

async function addNamespaces(namespaces: readonly string[], tcpBufferBytes: number | undefined): Promise<void> {
  await batch(
    undefined,
    namespaces.map((name) => `netns add ${name}`),
  );
  const settings = [
    "ipv6/conf/all/accept_dad=0",
    "ipv6/conf/default/accept_dad=0",
    "ipv6/conf/all/forwarding=1",
    "ipv4/ip_forward=1",
    "ipv4/ping_group_range=0 2147483647",
    "ipv4/tcp_no_metrics_save=1",
    ...(tcpBufferBytes
      ? [`ipv4/tcp_rmem=4096 131072 ${tcpBufferBytes}`, `ipv4/tcp_wmem=4096 16384 ${tcpBufferBytes}`]
      : []),
  ];
  const script = settings.map((line) => `echo '${line.split("=")[1]}' > /proc/sys/net/${line.split("=")[0]}`);
  for (const namespace of namespaces) {
    await run(["sh", "-ec", script.join("\n")], { namespace });
    await batch(namespace, ["link set lo up"]);
  }
}

/** Every veth pair, each end made in its namespace. */
function wires(plan: LabPlan): string[] {
  const pair = (a: string, inA: string, b: string, inB: string): string =>
    `link add ${a} netns ${inA} type veth peer name ${b} netns ${inB}`;
  const links = plan.clients.flatMap((client) => client.links);
  return [
    pair("core", plan.access, "eth0", plan.server),
    pair("wan0", plan.server, "eth0", plan.internet),
    ...plan.clients.map((client) => pair("lan0", client.namespace, "lan0", client.lanNamespace)),
    ...(plan.unshaped ? links.map((link) => pair(near(link), plan.access, link.farDevice, plan.access)) : []),
  ];
}

async function startEmulator(options: LabOptions, plan: LabPlan): Promise<EmulatorControl> {
  const profiles = plan.clients.flatMap(() => options.links);
  const links = plan.clients.flatMap((client) => client.links);
  const emulator = await EmulatorControl.start(
    {
      links: links.map((link, i) => ({
        clientDevice: near(link),
        serverDevice: link.farDevice,
        up: directionOf(profiles[i]!, "up"),
        down: directionOf(profiles[i]!, "down"),
      })),
      socketPath: join(plan.directory, "emulator.sock"),
      seed: options.seed ?? 1,
    },
    plan.access,
    join(plan.directory, "emulator.log"),
  );
  await batch(
    plan.access,
    links.flatMap((link) =>
      [near(link), link.farDevice].map((name) => `link set ${name} txqueuelen ${TAP_QUEUE_FRAMES}`),
    ),
  );
  return emulator;
}

/** Addresses and routes of all that is no client. */
async function addCore(plan: LabPlan): Promise<void> {
  const links = plan.clients.flatMap((client) => client.links);
  await batch(plan.access, [
    ...links.flatMap((link) => [
      `address add ${link.gateway}/24 dev ${link.farDevice}`,
      `address add ${link.gatewayV6}/64 dev ${link.farDevice} nodad`,
      `link set ${link.farDevice} up`,
    ]),
    "address add 203.0.113.2/24 dev core",
    "address add 2001:db8:113::2/64 dev core nodad",
    "link set core up",
    `route add default via ${SERVER_ADDRESS}`,
    `route add default via ${SERVER_ADDRESS_V6}`,
  ]);
  await batch(plan.server, [
    `address add ${SERVER_ADDRESS}/24 dev eth0`,
    `address add ${SERVER_ADDRESS_V6}/64 dev eth0 nodad`,
    `address add ${SERVER_WAN_ADDRESS}/24 dev wan0`,
    "address add 2001:db8:100::1/64 dev wan0 nodad",
    "link set eth0 up",
    "link set wan0 up",
    `route add default via ${INTERNET_HOST}`,
    `route add default via ${INTERNET_HOST_V6}`,
    ...links.flatMap((link) => [
      `route add ${link.gateway}/24 via 203.0.113.2`.replace(".1/24", ".0/24"),
      `route add ${link.gatewayV6.replace("::1", "::/64")} via 2001:db8:113::2`,
    ]),
  ]);
  await batch(plan.internet, [
    `address add ${INTERNET_HOST}/24 dev eth0`,
    `address add ${INTERNET_HOST_V6}/64 dev eth0 nodad`,
    "link set eth0 up",
    `route replace ${INTERNET_HOST.replace(/\.\d+$/, ".0/24")} dev eth0 congctl ${HOST_CONGESTION_CONTROL}`,
    `route replace ${INTERNET_HOST_V6.replace(/::\d+$/, "::/64")} dev eth0 metric 256 congctl ${HOST_CONGESTION_CONTROL}`,
    `route add default via ${SERVER_WAN_ADDRESS} congctl ${HOST_CONGESTION_CONTROL}`,
    `route add default via 2001:db8:100::1 congctl ${HOST_CONGESTION_CONTROL}`,
  ]);
}

async function addLan(client: LabClient, plan: LabPlan): Promise<void> {
  const net = client.lanHost.replace(/\.2$/, "");
  const netV6 = `fd${77 + plan.clients.indexOf(client)}`;
  await batch(client.namespace, [
    `address add ${net}.1/24 dev lan0`,
    `address add ${netV6}::1/64 dev lan0 nodad`,
    "link set lan0 up",
  ]);
  await batch(client.lanNamespace, [
    `address add ${client.lanHost}/24 dev lan0`,
    `address add ${netV6}::2/64 dev lan0 nodad`,
    "link set lan0 up",
    `route add default via ${net}.1`,
    `route add default via ${netV6}::1`,
  ]);
}

/** Until the kernel has seen a carrier, a device that is up swallows its packets. */
async function waitForCarriers(namespace: string): Promise<void> {
  const deadline = Date.now() + CARRIER_TIMEOUT_MS;
  for (;;) {
    const out = await run(["ip", "-j", "-n", namespace, "link", "show"]);
    const waiting = (JSON.parse(out) as { ifname: string; operstate: string }[])
      .filter((device) => device.operstate === "DOWN" || device.operstate === "LOWERLAYERDOWN")
      .map((device) => device.ifname);
    if (waiting.length === 0) return;
    if (Date.now() > deadline) throw new Error(`no carrier on ${waiting.join(", ")} in ${namespace}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs lines of ip(8), all or none of the rest after the first that fails. */
async function batch(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  const where = namespace === undefined ? [] : ["-n", namespace];
  await run(["ip", ...where, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}
