/**
 * Whatever travels in an IP packet travels in the tunnel. Full topology: test/lab/topology.ts.
 *
 *   raw0 (192.168.99.2, fd99::2)                                  raw0 (192.0.2.2, 2001:db8:99::2), sends all packets back
 *     │                                                             │
 *   client ─┬─ link0  50 Mbit/s, RTT 20 ms ─┬─ server ─────── internet host
 *     │     └─ link1  30 Mbit/s, RTT 40 ms ─┘  masquerades as 198.51.100.1, 2001:db8:100::1
 *   LAN host
 *
 * Each raw0 is a TUN device of the test behind which it sends and receives packets as they are, so GRE, ESP and numbers that
 * the kernel has no program for are real packets on every device between. Without the tunnel they would arrive from 10.11.0.2.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { INTERNET_HOST, INTERNET_HOST_V6, SERVER_WAN_ADDRESS } from "../lab/plan.ts";
import { run } from "../lab/process.ts";
import { download, HTTP_PORT, startHttpServer } from "../lab/traffic/http.ts";
import {
  espPayload,
  grePayload,
  ipv4Packet,
  ipv6Packet,
  PROTOCOL,
  type ReadPacket,
  readPacket,
} from "../lab/traffic/ip-packets.ts";
import { ping } from "../lab/traffic/ping.ts";
import { openRawPort, type RawPort } from "../lab/traffic/raw-port.ts";
import { udpFlow } from "../lab/traffic/udp.ts";
import { type BondLab, createBondLab } from "./support/bond-lab.ts";
import { configure, type Settings } from "./support/product-node.ts";
import { scenario } from "./support/scenario.ts";
import { until } from "./support/wait.ts";

const LINKS = [
  { mbit: 50, delayMs: 10 },
  { mbit: 30, delayMs: 20 },
];
const FILE_MB = 4;
/** The namespaces' own ends; the hosts behind the devices are the second address of each network. */
const NEAR_NETWORKS = ["192.168.99.1/24", "fd99::1/64"];
const FAR_NETWORKS = ["192.0.2.1/24", "2001:db8:99::1/64"];
/** Where to, and the address that the server hides the client behind. */
const HOSTS = [
  ["IPv4", INTERNET_HOST, SERVER_WAN_ADDRESS],
  ["IPv6", INTERNET_HOST_V6, "2001:db8:100::1"],
] as const;
const INSIDE = ipv4Packet(
  { protocol: PROTOCOL.EXPERIMENT, source: "10.99.0.1", destination: "10.99.0.2" },
  Buffer.from("a packet within a packet"),
);
const UNUSUAL = [
  ["GRE with an IP packet inside", PROTOCOL.GRE, grePayload(INSIDE)],
  ["ESP", PROTOCOL.ESP, espPayload(0x2000, 7, randomBytes(900))],
  ["IP in IP", PROTOCOL.IPIP, INSIDE],
  ["the experimental protocol 253", PROTOCOL.EXPERIMENT, randomBytes(64)],
] as const;
/** Payload, and how many a second. */
const DATAGRAMS = [
  [20, 500],
  [1300, 500],
  [8000, 50],
  [60_000, 10],
] as const;
const FIRST_UDP_PORT = 5301;
const ICMP = 1;
/** 1500 without IPv4, UDP and the tunnel's 36 bytes. */
const AUTOMATIC_MTU_BYTES = 1436;
const ARRIVAL_LIMIT_MS = 1500;

scenario("any protocol passes the tunnel", ["ping", "ss"], ({ before, after, test }) => {
  let bond: BondLab;
  let near: RawPort;
  let far: RawPort;

  before(async () => {
    bond = await createBondLab({ prefix: "e2eproto", links: LINKS });
    await startHttpServer(bond.lab.internet, FILE_MB, true);
    far = await openRawPort({ namespace: bond.lab.internet, device: "raw0", addresses: FAR_NETWORKS, echo: true });
    near = await openRawPort({
      namespace: bond.lab.client.namespace,
      device: "raw0",
      addresses: NEAR_NETWORKS,
      echo: false,
    });
  });
  after(async () => {
    await near?.stop();
    await far?.stop();
    await bond?.destroy();
  });

  for (const [family, host, source] of HOSTS) {
    test(`TCP over ${family}`, async () => {
      for (const namespace of [bond.lab.client.namespace, bond.lab.client.lanNamespace]) {
        const result = await download({ namespace, host, bytes: FILE_MB * 1024 * 1024 });
        assert.equal(result.sha256, "matches");
      }
    });

    test(`UDP over ${family}, small, as large as a packet, and in fragments`, async () => {
      const fromTo = { fromNamespace: bond.lab.client.namespace, toNamespace: bond.lab.internet, host, seconds: 1 };
      const flows = DATAGRAMS.map(async ([payloadBytes, packetsPerSecond], i) => {
        const flow = await udpFlow({ ...fromTo, payloadBytes, packetsPerSecond, port: FIRST_UDP_PORT + i });
        assert.equal(flow.lost, 0, `datagrams of ${payloadBytes} bytes`);
        assert.equal(flow.duplicates, 0);
        assert.deepEqual(flow.sources, [source]);
      });
      await Promise.all(flows);
    });

    test(`ICMP echo over ${family}, from the client and from its LAN`, async () => {
      for (const namespace of [bond.lab.client.namespace, bond.lab.client.lanNamespace]) {
        for (const payloadBytes of [56, 1300, 4000]) {
          // A host of the LAN learns from its first large packet what passes (RFC 8201).
          if (payloadBytes > AUTOMATIC_MTU_BYTES)
            await ping({ namespace, host, count: 1, intervalMs: 100, payloadBytes });
          const result = await ping({ namespace, host, count: 5, intervalMs: 100, payloadBytes });
          assert.equal(result.rttsMs.length, 5, `${payloadBytes} bytes`);
        }
      }
    });
  }

  for (const [name, protocol, payload] of UNUSUAL) {
    test(`${name} over IPv4, there and back`, async () => {
      const out = ipv4Packet({ protocol, source: "192.168.99.2", destination: "192.0.2.2" }, payload);
      await roundTrip(near, far, out, protocol, Buffer.from([198, 51, 100, 1]));
    });

    test(`${name} over IPv6, there and back`, async () => {
      const out = ipv6Packet({ protocol, source: "fd99::2", destination: "2001:db8:99::2" }, payload);
      const masquerade = Buffer.from("20010db8010000000000000000000001", "hex");
      await roundTrip(near, far, out, protocol, masquerade);
    });
  }

  test("a TCP connection of a host behind the client uses no longer segments than fit into one datagram, both ways", async () => {
    const { lanNamespace } = bond.lab.client;
    const transfer = download({ namespace: lanNamespace, host: INTERNET_HOST, bytes: FILE_MB * 1024 * 1024 });
    const sizes = await Promise.all([mssIn(lanNamespace), mssIn(bond.lab.internet)]);
    assert.equal((await transfer).sha256, "matches");
    for (const mss of sizes) assert.ok(mss > 1300 && mss <= AUTOMATIC_MTU_BYTES - 40, `segments of ${mss} bytes`);
  });

  test("a packet that may not be fragmented and is too long is answered with the size that passes", async () => {
    near.send(fullPacket(1500));
    const answer = await received(near);
    assert.equal(answer.protocol, ICMP);
    assert.deepEqual([...answer.payload.subarray(0, 2)], [3, 4], "fragmentation needed");
    const mtuBytes = Buffer.from(answer.payload).readUInt16BE(6);
    assert.equal(mtuBytes, AUTOMATIC_MTU_BYTES);
    near.send(fullPacket(mtuBytes));
    assert.equal((await received(far)).payload.length, mtuBytes - 20);
    assert.equal((await received(near)).payload.length, mtuBytes - 20);
  });

  test("with tunnel.mtu 1500, packets of 1500 bytes that may not be fragmented pass, there and back", async () => {
    await restartWith(bond, { "tunnel.mtu": 1500 });
    for (let i = 0; i < 20; i++) {
      const packet = fullPacket(1500);
      near.send(packet);
      assert.deepEqual(Buffer.from((await received(far)).payload), packet.subarray(20));
      assert.deepEqual(Buffer.from((await received(near)).payload), packet.subarray(20));
    }
    const result = await download({ namespace: bond.lab.client.namespace, host: INTERNET_HOST, bytes: FILE_MB << 20 });
    assert.equal(result.sha256, "matches");
  });
});

/** Size of the segments that this end of the download's connection sends. */
async function mssIn(namespace: string): Promise<number> {
  const argv = ["ss", "-tinHO", "state", "established", `( sport = :${HTTP_PORT} or dport = :${HTTP_PORT} )`];
  let mss = 0;
  await until("the connection is established", 10_000, async () => {
    mss = Number(/\bmss:(\d+)/.exec(await run(argv, { namespace }))?.[1] ?? 0);
    return mss > 0;
  });
  return mss;
}

async function restartWith(bond: BondLab, settings: Settings): Promise<void> {
  for (const node of [bond.client, bond.server]) {
    await node.stop();
    configure(node.configFile, settings);
  }
  await bond.server.start();
  await bond.client.start();
}

async function roundTrip(near: RawPort, far: RawPort, packet: Buffer, protocol: number, seenAs: Buffer): Promise<void> {
  near.send(packet);
  const sent = readPacket(packet)!;
  const there = await received(far);
  assert.equal(there.protocol, protocol);
  assert.deepEqual(Buffer.from(there.source), seenAs, "the far host sees the server's address");
  assert.deepEqual(Buffer.from(there.payload), Buffer.from(sent.payload));
  const back = await received(near);
  assert.equal(back.protocol, protocol);
  assert.deepEqual(Buffer.from(back.source), Buffer.from(sent.destination));
  assert.deepEqual(Buffer.from(back.destination), Buffer.from(sent.source));
  assert.deepEqual(Buffer.from(back.payload), Buffer.from(sent.payload));
}

async function received(port: RawPort): Promise<ReadPacket> {
  const packet = await port.receive(ARRIVAL_LIMIT_MS);
  assert.ok(packet, `no packet came within ${ARRIVAL_LIMIT_MS} ms`);
  const parts = readPacket(packet);
  assert.ok(parts, "what came is no IP packet");
  return parts;
}

/** An IPv4 packet of this length with the don't-fragment bit and random content. */
function fullPacket(lengthBytes: number): Buffer {
  const header = { protocol: PROTOCOL.ESP, source: "192.168.99.2", destination: "192.0.2.2" };
  return ipv4Packet(header, espPayload(0x1000, 1, randomBytes(lengthBytes - 28)));
}
