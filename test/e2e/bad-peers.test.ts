/**
 * Peers that must not get in, and datagrams that must not count, against a server with a live session. Full topology:
 * test/lab/topology.ts.
 *
 *   van ──── link0  20 Mbit/s, RTT 10 ms ── relay that records ── server 203.0.113.1 ── 198.51.100.2: the attacker
 *   stray ── link0, a client of another deployment ─────────────────┘
 *
 * The attacker has certificates of many kinds, and the datagrams that the relay saw.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { INTERNET_HOST, SERVER_ADDRESS } from "../lab/plan.ts";
import { run } from "../lab/process.ts";
import { aimDatagramGun } from "../lab/traffic/datagram-gun.ts";
import { ping } from "../lab/traffic/ping.ts";
import { type Recording, type RecordingRelay, startRelay } from "../lab/traffic/recording-relay.ts";
import { type TlsPeerOptions, type TlsPeerResult, tlsPeer } from "../lab/traffic/tls-peer.ts";
import { type UdpFlowResult, udpFlow } from "../lab/traffic/udp.ts";
import { type BondLab, createBondLab, initServer } from "./support/bond-lab.ts";
import { mustRun, ProductNode } from "./support/product-node.ts";
import { scenario } from "./support/scenario.ts";
import { timed, until } from "./support/wait.ts";

const PORT = 8443;

scenario("bad peers", ["ping"], ({ before, after, test }) => {
  let bond: BondLab;
  let relay: RecordingRelay;
  let stateDir: string;
  /** The server's dataplane at the beginning: whatever comes, it must be the same at the end. */
  let dataplanePid: number | undefined;

  before(async () => {
    bond = await createBondLab({
      prefix: "e2ebad",
      links: [{ mbit: 20, delayMs: 5 }],
      namespaces: 2,
      prepare: async (lab) => {
        relay = await startRelay({
          namespace: lab.plan.access,
          clientAddress: lab.client.links[0]!.address,
          serverAddress: SERVER_ADDRESS,
          serverPort: PORT,
        });
      },
    });
    stateDir = bond.server.stateDir;
    dataplanePid = bond.server.parts().get("dataplane");
    await watchAnswers(bond);
  });
  after(async () => {
    await relay?.stop();
    await bond?.destroy();
  });

  test("a peer without a certificate is refused", async () => {
    await refused(bond, "no-certificate", { say: "hello" });
  });

  test("a certificate of another deployment is refused, although the name is known here", async () => {
    const foreign = join(bond.lab.directory, "foreign");
    await initServer(foreign, bond.lab.server, SERVER_ADDRESS);
    await refused(bond, "untrusted-certificate", await certificate(bond, "van", foreign));
  });

  test("an expired certificate is refused", async () => {
    await refused(bond, "expired-certificate", await certificate(bond, "late", stateDir, "--days", "-1"));
  });

  test("a valid certificate whose name is not on the list is refused, and told why", async () => {
    const copy = join(bond.lab.directory, "copy");
    mkdirSync(copy);
    for (const { name } of readdirSync(stateDir, { withFileTypes: true }).filter((entry) => entry.isFile())) {
      cpSync(join(stateDir, name), join(copy, name));
    }
    const result = await refused(bond, "unknown-client", await certificate(bond, "stranger", copy));
    assert.equal(result.refusal, "unknown-client");
  });

  test("an earlier certificate of a client that got a new one is refused, and told why", async () => {
    const old = await certificate(bond, "twice", stateDir);
    await certificate(bond, "twice", stateDir, "--force");
    const result = await refused(bond, "fingerprint-mismatch", old);
    assert.equal(result.refusal, "fingerprint-mismatch");
  });

  test("TLS 1.2 is refused", async () => {
    const result = await refused(bond, "tls", { maxVersion: "TLSv1.2", say: "hello" });
    assert.equal(result.handshake, false);
  });

  test("another application protocol is refused", async () => {
    const good = await certificate(bond, "webby", stateDir);
    await refused(bond, "tls", { ...good, alpn: "http/1.1" });
  });

  test("garbage on the TCP port is refused", async () => {
    await refused(bond, "tls", { plain: true, say: randomBytes(3000).toString("hex") });
    await refused(bond, "tls", { plain: true, say: Buffer.from("GET / HTTP/1.1\r\n\r\n").toString("hex") });
  });

  test("a peer that says nothing is hung up on", async () => {
    await refused(bond, "timeout", { plain: true });
  });

  test("a known client that speaks garbage within TLS is hung up on", async () => {
    const good = await certificate(bond, "garbler", stateDir);
    await refused(bond, "malformed", { ...good, say: "ffffffff00112233" });
    await refused(bond, "malformed", { ...good, say: "00000005ffffffffff" });
  });

  test("a known client that behaves is welcome", async () => {
    const result = await peer(bond, { ...(await certificate(bond, "guest", stateDir)), patienceMs: 500 });
    assert.deepEqual(result.messages, ["welcome"]);
  });

  test("a client with the files of another deployment does not trust the server, and says so", async () => {
    const foreign = join(bond.lab.directory, "foreign");
    const directory = join(bond.lab.directory, "stray");
    await mustRun("server", ["client", "add", "stray", "--state-dir", foreign, "--out", directory]);
    const stray = new ProductNode(join(directory, "config.yaml"), bond.lab.plan.clients[1]!.namespace);
    await stray.run("start", "--config", stray.configFile, "--detach");
    await until("its log names the certificate", 10_000, () => /certificate/i.test(stray.log()));
    assert.equal((await stray.status()).ready, false);
    await stray.stop();
    await stray.closeDoor();
  });

  test("random, truncated, forged and replayed datagrams are counted and dropped; nothing is answered or moved", async (t) => {
    const recording = await recordLiveSession(bond, relay);
    const before = await dropsOf(bond.server);
    const remote = await remoteOf(bond);
    const [flow, answers] = await Promise.all([liveFlow(bond), attack(bond, ammunition(recording))]);
    await until("the drops are counted", 3000, async () => grown(before, await dropsOf(bond.server)).replayed! > 0);
    const drops = grown(before, await dropsOf(bond.server));
    t.diagnostic(JSON.stringify(drops));
    assert.equal(answers, 0, "datagrams or ICMP messages came back to the attacker");
    assert.equal(flow.lost, 0, "the live session lost packets");
    assert.equal(await remoteOf(bond), remote, "the path follows authenticated datagrams only");
    for (const reason of ["truncated", "bad-version", "unknown-session", "unauthenticated", "replayed"]) {
      assert.ok(drops[reason]! > 0, `${reason} was not counted`);
    }
    await until("the log says so", LOG_LIMIT_MS, () => /datagrams refused: .*replayed/.test(bond.server.log()));
    assert.equal(bond.server.parts().get("dataplane"), dataplanePid);
  });

  test("datagrams of the server that are sent to the client again, from elsewhere, are counted and dropped", async () => {
    const { client, down } = await recordLiveSession(bond, relay);
    const before = await dropsOf(bond.client);
    const gun = await aimDatagramGun(bond.lab.internet, client.address, client.port);
    for (const hex of down) gun.fire(Buffer.from(hex, "hex"));
    await until("the replays are counted", 3000, async () => grown(before, await dropsOf(bond.client)).replayed! > 0);
    assert.equal(await gun.answers(), 0);
    await gun.stop();
    assert.equal((await liveFlow(bond)).lost, 0);
  });

  test("a client that is removed from the list is disconnected at once and refused from then on", async (t) => {
    assert.ok((await answersTo(bond)) > 0);
    const goneMs = await timed(async () => {
      await mustRun("server", ["client", "remove", "van", "--state-dir", stateDir]);
      await until("the server has no session with it", 5000, async () => {
        const { peers } = await bond.server.status();
        return !peers.some(({ peer: name, connected }) => name === "van" && connected);
      });
    });
    t.diagnostic(`disconnected after ${goneMs.toFixed(0)} ms`);
    assert.ok(goneMs < REVOCATION_LIMIT_MS, `it took ${goneMs} ms`);
    assert.equal(await answersTo(bond), 0, "traffic still passes");
    await until("the refusal is counted", 10_000, async () => (await refusals(bond, "unknown-client")) > 1);
    await until("the client knows why", 5000, () =>
      /removed|not registered|no client|unknown-client/.test(bond.client.log()),
    );
    assert.equal((await bond.client.status()).ready, false);
    assert.equal(bond.server.parts().get("dataplane"), dataplanePid, "the dataplane has run all the while");
  });
});

/** The longest that a refused peer may stay: handshake and hello have 5 s each. */
const HANG_UP_LIMIT_MS = 7000;
/** Two looks of the server at its list, and of this test at the server. */
const REVOCATION_LIMIT_MS = 2000;
const COUNTER = "edgebos_control_refused_total";
const DROPS = "edgebos_drops_total";
const REASONS = [
  "truncated",
  "bad-version",
  "unknown-session",
  "unknown-epoch",
  "unauthenticated",
  "replayed",
  "malformed",
];

type PeerOptions = Partial<TlsPeerOptions>;

function peer(bond: BondLab, options: PeerOptions): Promise<TlsPeerResult> {
  return tlsPeer(bond.lab.internet, { host: SERVER_ADDRESS, port: PORT, patienceMs: HANG_UP_LIMIT_MS, ...options });
}

/** Lets the peer try, and asserts that it was hung up on without a welcome, counted under `reason` and logged with its address. */
async function refused(bond: BondLab, reason: string, options: PeerOptions): Promise<TlsPeerResult> {
  const before = await refusals(bond, reason);
  const logStart = bond.server.log().length;
  const result = await peer(bond, options);
  assert.ok(result.closed, `the server did not hang up within ${HANG_UP_LIMIT_MS} ms`);
  assert.ok(!result.messages.includes("welcome"), "it was welcome");
  await until(`a refusal is counted as ${reason}`, 2000, async () => (await refusals(bond, reason)) === before + 1);
  await until(`the log names ${INTERNET_HOST}`, 2000, () => bond.server.log().slice(logStart).includes(INTERNET_HOST));
  return result;
}

function refusals(bond: BondLab, reason: string): Promise<number> {
  return bond.server.metric("dataplane", COUNTER, { reason });
}

/** Has a certificate made by the server of `stateDir`; the peer that shows it says a proper Hello. */
async function certificate(bond: BondLab, name: string, stateDir: string, ...more: string[]): Promise<PeerOptions> {
  const out = join(bond.lab.directory, `peer-${name}-${randomBytes(3).toString("hex")}`);
  const argv = ["client", "add", name, "--state-dir", stateDir, "--out", out, ...more];
  await mustRun("server", argv);
  return { certificateFile: join(out, "client-cert.pem"), keyFile: join(out, "client-key.pem"), say: "hello" };
}

async function dropsOf(node: ProductNode): Promise<Record<string, number>> {
  const counts = await Promise.all(REASONS.map((reason) => node.metric("dataplane", DROPS, { reason })));
  return Object.fromEntries(REASONS.map((reason, i) => [reason, counts[i]!]));
}

function grown(before: Record<string, number>, now: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(now).map(([key, count]) => [key, count - (before[key] ?? 0)]));
}

/** Where the server sends the client's datagrams. */
async function remoteOf(bond: BondLab): Promise<string> {
  const links = await bond.server.links();
  const path = links.map((entry) => entry.path).find((sample) => sample?.peer === "van");
  assert.ok(path, "the server shows the client's path");
  return path.remote;
}

function liveFlow(bond: BondLab): Promise<UdpFlowResult> {
  const fromTo = { fromNamespace: bond.lab.client.namespace, toNamespace: bond.lab.internet, host: INTERNET_HOST };
  return udpFlow({ ...fromTo, packetsPerSecond: 200, payloadBytes: 400, seconds: 2 });
}

async function recordLiveSession(bond: BondLab, relay: RecordingRelay): Promise<Recording> {
  assert.equal((await liveFlow(bond)).lost, 0);
  await answersTo(bond);
  const recording = await relay.recording();
  assert.ok(recording.up.length > 50 && recording.down.length > 10, "the relay saw the session's datagrams");
  return recording;
}

/** The first lines come with the next look at the counters; only a flood is told at a slower rate. */
const LOG_LIMIT_MS = 3000;

async function answersTo(bond: BondLab): Promise<number> {
  const request = { namespace: bond.lab.client.namespace, host: INTERNET_HOST, count: 5, intervalMs: 50 };
  return (await ping(request)).rttsMs.length;
}

/** What an attacker who has seen the session can make of it. Kind is in bits 0–3 of the first byte, version in bits 6 and 7. */
function ammunition({ up }: Recording): Buffer[] {
  const seen = up.map((hex) => Buffer.from(hex, "hex"));
  const changed = (datagram: Buffer, at: number, flip: number): Buffer => {
    const copy = Buffer.from(datagram);
    copy[at]! ^= flip;
    return copy;
  };
  return [
    ...Array.from({ length: 300 }, (_, i) => randomBytes((i * 5) % 1500)),
    ...seen.flatMap((datagram) => [0, 1, 11, 12, 27].map((length) => datagram.subarray(0, length))),
    ...seen.map((datagram) => datagram.subarray(0, datagram.length - 1)),
    ...seen.map((datagram) => changed(datagram, 0, 0xc0)),
    ...seen.map((datagram) => changed(datagram, 3, 0xff)),
    ...seen.map((datagram) => changed(datagram, datagram.length - 1, 1)),
    // A packet number far ahead: must not move the replay window.
    ...seen.map((datagram) => changed(datagram, 7, 1)),
    ...seen,
  ];
}

/** Sends everything to the server from the attacker's address. Returns how many packets of any kind came back. */
async function attack(bond: BondLab, datagrams: readonly Buffer[]): Promise<number> {
  const before = await packetsFromServer(bond);
  const gun = await aimDatagramGun(bond.lab.internet, SERVER_ADDRESS, PORT);
  for (const datagram of datagrams) gun.fire(datagram);
  await gun.answers();
  await answersTo(bond);
  await gun.stop();
  return (await packetsFromServer(bond)) - before;
}

/** A counter at the attacker's door for all that comes from the server's own address. */
async function watchAnswers(bond: BondLab): Promise<void> {
  const chain = `chain input { type filter hook input priority 0; ip saddr ${SERVER_ADDRESS} counter name answers; }`;
  const input = `table ip attacker { counter answers { }; ${chain}; }\n`;
  await run(["nft", "-f", "-"], { namespace: bond.lab.internet, input });
}

async function packetsFromServer(bond: BondLab): Promise<number> {
  const out = await run(["nft", "list", "counter", "ip", "attacker", "answers"], { namespace: bond.lab.internet });
  return Number(/packets (\d+)/.exec(out)?.[1]);
}
