/**
 * Start, look, change, stop; several instances beside each other; nothing left behind. Full topology: test/lab/topology.ts.
 *
 *   van  ─┬─ link0  20 Mbit/s, RTT 10 ms ─┐
 *         └─ link1  20 Mbit/s, RTT 20 ms ─┼─ server ── internet host
 *   bus  ─┬─ link0, link1 likewise ───────┘
 *
 * On the van's machine a second instance runs for a while, a server of its own with the state directory "depot".
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { common, management } from "@edgebos/proto";
import { credentials } from "@grpc/grpc-js";
import { INTERNET_HOST, INTERNET_HOST_V6 } from "../lab/plan.ts";
import { run } from "../lab/process.ts";
import { createLab, type Lab } from "../lab/topology.ts";
import { ping } from "../lab/traffic/ping.ts";
import { type UdpFlowResult, udpFlow } from "../lab/traffic/udp.ts";
import { addClient, initServer } from "./support/bond-lab.ts";
import { type HostState, hostState } from "./support/host-state.ts";
import { processesNaming } from "./support/processes.ts";
import type { ProductNode } from "./support/product-node.ts";
import { scenario } from "./support/scenario.ts";
import { timed, until } from "./support/wait.ts";

const LINKS = [
  { mbit: 20, delayMs: 5 },
  { mbit: 20, delayMs: 10 },
];

scenario("the life of an instance", ["ping"], ({ before, after, test, measure }) => {
  let lab: Lab;
  let server: ProductNode;
  let van: ProductNode;
  let bus: ProductNode;
  let clean: { readonly van: HostState; readonly server: HostState };

  before(async () => {
    lab = await createLab({ prefix: "e2elife", links: LINKS, clients: 2 });
    await harden(lab);
    const stateDir = join(lab.directory, "server");
    server = await initServer(stateDir, lab.server, "203.0.113.1");
    const place = (client: number) => lab.plan.clients[client]!.namespace;
    van = await addClient(stateDir, "van", join(lab.directory, "van"), place(0));
    bus = await addClient(stateDir, "bus", join(lab.directory, "bus"), place(1));
    clean = { van: await hostState(van.namespace), server: await hostState(server.namespace) };
  });
  after(async () => {
    for (const node of [server, van, bus]) await node?.closeDoor();
    await lab?.destroy();
  });

  test("status of what does not run says so, with its own exit code", async () => {
    const result = await van.try("status", "--config", van.configFile, "--json");
    assert.equal(result.exitCode, 3);
    assert.deepEqual(pick(JSON.parse(result.stdout), "running", "ready"), { running: false, ready: false });
  });

  test("start --detach of server and client ends when they run; they are ready soon after", async (t) => {
    await server.start();
    const readyMs = await timed(() => van.start());
    t.diagnostic(`the client was ready ${readyMs.toFixed(0)} ms after the command was given`);
    await until("every echo request is answered", ANSWER_LIMIT_MS, () => answers(van));
  });

  test("status and links speak JSON that programs can use", async () => {
    const status = JSON.parse(await van.run("status", "--config", van.configFile, "--json"));
    assert.deepEqual(pick(status, "running", "ready"), { running: true, ready: true });
    assert.equal(status.services.length, 4);
    const { links } = JSON.parse(await van.run("links", "--config", van.configFile, "--json"));
    assert.deepEqual(links.map(({ link }: management.LinkStatus) => link?.name).sort(), ["link0", "link1"]);
    for (const node of [van, server]) {
      assert.match(await node.run("status", "--config", node.configFile), /ready/);
      await node.run("links", "--config", node.configFile);
    }
  });

  test("a second start on the same state directory is refused and names the process", async () => {
    const result = await van.try("start", "--config", van.configFile, "--detach");
    assert.notEqual(result.exitCode, 0);
    assert.match(result.stderr, /already runs.*pid \d+/s);
    assert.ok(await answers(van), "the first one goes on");
  });

  test("two clients of one server have inner addresses of their own and carry traffic at the same time", async () => {
    await bus.start();
    const { peers } = await server.status();
    const connected = peers.filter((peer) => peer.connected);
    assert.deepEqual(connected.map(({ peer }) => peer).sort(), ["bus", "van"]);
    assert.equal(new Set(connected.map(({ innerV4 }) => innerV4)).size, 2);
    assert.equal(new Set(connected.map(({ innerV6 }) => innerV6)).size, 2);
    const flows = await Promise.all([flow(van, lab, 5301), flow(bus, lab, 5302)]);
    for (const { lost, sources } of flows) {
      assert.equal(lost, 0);
      assert.deepEqual(sources, ["198.51.100.1"]);
    }
    await bus.stop();
  });

  test("a server beside a client on one machine: neither harms the other, not even at its end", async () => {
    const depot = await initServer(join(lab.directory, "depot"), van.namespace, "10.11.0.2", {
      "server.port": 8500,
      "tunnel.pool_ipv4": "10.232.0.0/16",
      "tunnel.pool_ipv6": "fdeb:0:0:2::/64",
    });
    await depot.start();
    assert.equal((await depot.status()).tunnelInterface, "edgebos1", "the client has edgebos0");
    await until("every echo request is answered", ANSWER_LIMIT_MS, () => answers(van));
    const guest = await addClient(depot.stateDir, "guest", join(lab.directory, "guest"), bus.namespace);
    await guest.start();
    const inner = await ping({ namespace: bus.namespace, host: "10.232.0.1", count: 3, intervalMs: 100 });
    assert.equal(inner.rttsMs.length, 3, "a client of the second server reaches it through its tunnel");
    await guest.stop();
    await guest.closeDoor();
    await depot.stop();
    await depot.closeDoor();
    assert.ok(await answers(van), "the client goes on when the server beside it stops");
  });

  test("a change of the algorithm through REST takes effect while it runs", async () => {
    const answer = await van.patch({ bonding: { algorithm: "round-robin" } });
    assert.equal(answer.status, 200, answer.body);
    await until("the plan says round-robin", 2000, async () => {
      return (await van.status()).plan?.algorithm === common.Algorithm.ROUND_ROBIN;
    });
    const shares = await sharesUp(lab, () => flow(van, lab, 5301));
    assert.ok(Math.abs(shares[0]! - shares[1]!) < 0.2, `in turn means equal shares, not ${shares.join(" and ")}`);
    assert.match((await van.patch({ bonding: { algorithm: "magic" } })).body, /algorithm/);
  });

  measure("a rate limit through gRPC takes effect while it runs, in both directions", async (t) => {
    await change(van, { interfaces: { manual: [{ name: "link0", rate_limit_mbit: LIMIT_MBIT }] } });
    await until("the plan has the limit", 2000, async () => {
      const { plan } = await van.status();
      return plan?.links.find(({ link }) => link === "link0")?.rateLimitBps === LIMIT_MBIT * 1e6;
    });
    const host = (await server.status()).peers.find(({ peer }) => peer === "van")!.innerV4;
    const down = { fromNamespace: lab.server, toNamespace: van.namespace, host };
    const rates = await ratesMbit(lab, () =>
      Promise.all([flood(van, lab), udpFlow({ ...down, ...FLOOD, port: 5304 })]),
    );
    t.diagnostic(
      `link0 up ${rates[0]!.up.toFixed(2)}, down ${rates[0]!.down.toFixed(2)} Mbit/s; link1 ${rates[1]!.up.toFixed(2)}, ${rates[1]!.down.toFixed(2)}`,
    );
    for (const direction of ["up", "down"] as const) {
      assert.ok(rates[0]![direction] < LIMIT_MBIT * 1.1, `${direction}: ${rates[0]![direction]} Mbit/s`);
      assert.ok(rates[1]![direction] > LIMIT_MBIT * 2, `${direction}: the other link is not limited`);
    }
  });

  test("a clean stop leaves nothing: interface, address, rule, route, nftables table, setting or process", async () => {
    await van.stop();
    assert.deepEqual(await settled(van, clean.van), clean.van);
    await server.stop();
    assert.deepEqual(await settled(server, clean.server), clean.server);
    for (const node of [van, server, bus]) assert.deepEqual(processesNaming(node.stateDir), []);
  });

  test("traffic goes on when the supervisor is killed; stop cleans up after it all the same", async () => {
    await server.start();
    await van.start();
    process.kill(await supervisorOf(van), "SIGKILL");
    assert.equal((await flow(van, lab, 5301)).lost, 0);
    await van.stop();
    assert.deepEqual(await settled(van, clean.van), clean.van);
  });

  test("a start after the supervisor was killed ends what was left of it first", async () => {
    await van.start();
    const before = [...van.parts().values()];
    process.kill(await supervisorOf(van), "SIGKILL");
    await van.start();
    await until("every echo request is answered", ANSWER_LIMIT_MS, () => answers(van));
    for (const pid of van.parts().values()) assert.ok(!before.includes(pid), `process ${pid} is of the run before`);
    await van.stop();
    await server.stop();
    assert.deepEqual(await settled(van, clean.van), clean.van);
    assert.deepEqual(await settled(server, clean.server), clean.server);
  });
});

const LIMIT_MBIT = 4;
const FLOOD = { packetsPerSecond: 2000, payloadBytes: 1200, seconds: 3 };
/** A link that has just come up may lose its first packet to neighbour discovery. */
const ANSWER_LIMIT_MS = 5000;
/** The kernel takes some of what belongs to a device away a moment after the device. */
const SETTLE_LIMIT_MS = 2000;

/** Machines as distributions deliver them, so that what the product changes can be seen: no forwarding, strict reverse paths. */
async function harden(lab: Lab): Promise<void> {
  const script =
    "cd /proc/sys/net; echo 0 > ipv4/ip_forward; echo 0 > ipv6/conf/all/forwarding; for i in ipv4/conf/*/rp_filter; do echo 1 > $i; done";
  for (const namespace of [lab.server, ...lab.plan.clients.map((client) => client.namespace)]) {
    await run(["sh", "-ec", script], { namespace });
  }
}

async function answers(client: ProductNode): Promise<boolean> {
  for (const host of [INTERNET_HOST, INTERNET_HOST_V6]) {
    const result = await ping({ namespace: client.namespace, host, count: 3, intervalMs: 100 });
    if (result.rttsMs.length !== 3) return false;
  }
  return true;
}

function flow(client: ProductNode, lab: Lab, port: number): Promise<UdpFlowResult> {
  const fromTo = { fromNamespace: client.namespace, toNamespace: lab.internet, host: INTERNET_HOST };
  return udpFlow({ ...fromTo, packetsPerSecond: 300, payloadBytes: 1000, seconds: 2, port });
}

function flood(client: ProductNode, lab: Lab): Promise<UdpFlowResult> {
  return udpFlow({
    fromNamespace: client.namespace,
    toNamespace: lab.internet,
    host: INTERNET_HOST,
    ...FLOOD,
    port: 5303,
  });
}

/** UpdateConfiguration as any gRPC client calls it. */
async function change(node: ProductNode, patch: object): Promise<void> {
  const client = new management.ManagementClient(await node.grpcTarget(), credentials.createInsecure());
  const request = management.UpdateConfigurationRequest.create({ patch: JSON.stringify(patch) });
  await new Promise<void>((resolve, reject) => {
    client.updateConfiguration(request, (error) => (error ? reject(error) : resolve()));
  });
  client.close();
}

async function sharesUp(lab: Lab, action: () => Promise<unknown>): Promise<number[]> {
  const before = await lab.counters();
  await action();
  const bytes = (await lab.counters()).map(({ up }, i) => up.bytesOut - before[i]!.up.bytesOut).slice(0, LINKS.length);
  const sum = bytes.reduce((total, each) => total + each, 0);
  return bytes.map((each) => each / sum);
}

/** Mean rate of each link while the flood lasted. */
async function ratesMbit(lab: Lab, action: () => Promise<unknown>): Promise<{ up: number; down: number }[]> {
  const before = await lab.counters();
  await action();
  const mbit = (bytes: number): number => (bytes * 8) / 1e6 / FLOOD.seconds;
  return (await lab.counters()).map(({ up, down }, i) => ({
    up: mbit(up.bytesOut - before[i]!.up.bytesOut),
    down: mbit(down.bytesOut - before[i]!.down.bytesOut),
  }));
}

/** The state of the node's machine as soon as it equals `wanted`, or what it is in the end. */
async function settled(node: ProductNode, wanted: HostState): Promise<HostState> {
  await node.closeDoor();
  await until("clean", SETTLE_LIMIT_MS, async () => {
    return JSON.stringify(await hostState(node.namespace)) === JSON.stringify(wanted);
  }).catch(() => {});
  return hostState(node.namespace);
}

async function supervisorOf(node: ProductNode): Promise<number> {
  const { supervisor } = JSON.parse(await node.run("status", "--config", node.configFile, "--json"));
  return supervisor.pid;
}

function pick(object: Record<string, unknown>, ...keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, object[key]]));
}
