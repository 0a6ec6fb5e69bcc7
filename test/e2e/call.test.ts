/**
 * Calls over links that lose packets: forward error correction in the running product. Full topology: test/lab/topology.ts.
 *
 *   client ─┬─ cell0  20 Mbit/s, RTT 60 ms, 3 % loss ─┬─ server ── internet host
 *           └─ lte0   20 Mbit/s, RTT 70 ms, 3 % loss ─┘
 */
import assert from "node:assert/strict";
import { INTERNET_HOST } from "../lab/plan.ts";
import { type PingResult, ping } from "../lab/traffic/ping.ts";
import { type BondLab, createBondLab } from "./support/bond-lab.ts";
import { scenario } from "./support/scenario.ts";
import { until } from "./support/wait.ts";

const LINKS = [
  { name: "cell0", mbit: 20, delayMs: 30, lossPct: 3 },
  { name: "lte0", mbit: 20, delayMs: 35, lossPct: 3 },
];
const DSCP_EF = 46;
const COUNT = 300;

scenario("calls over links that lose packets", ["ping"], ({ before, after, test }) => {
  let bond: BondLab;

  before(async () => {
    bond = await createBondLab({ prefix: "e2ecall", links: LINKS });
    await until("two links are up", 5000, async () => (await bond.client.status()).plan?.links.length === 2);
  });
  after(() => bond?.destroy());

  test("what is lost comes back by parity in both directions, and everything is answered", async (t) => {
    const start = await counters(bond);
    const { sent, rttsMs } = await call(bond);
    const end = await counters(bond);
    const gained = end.map((value, i) => value - start[i]!);
    t.diagnostic(`parity sent, packets recovered, by client and server: ${gained.join(", ")}`);
    t.diagnostic(`round trips: median ${quantile(rttsMs, 0.5)} ms, 99 % within ${quantile(rttsMs, 0.99)} ms`);
    assert.equal(rttsMs.length, sent);
    assert.ok(
      gained.every((value) => value > 0),
      gained.join(", "),
    );
  });

  test("a server that has switched it off sends none of it", async () => {
    const answer = await bond.server.patch({ bonding: { fec: "off" } });
    assert.equal(answer.status, 200, answer.body);
    await until("the server's plan says so", 3000, async () => (await bond.server.status()).plan?.fecOff === true);
    const [, , before] = await counters(bond);
    const { sent, rttsMs } = await call(bond);
    const [, , later] = await counters(bond);
    assert.equal(rttsMs.length, sent);
    assert.equal(later, before);
  });
});

function call(bond: BondLab): Promise<PingResult> {
  const { namespace } = bond.lab.client;
  return ping({ namespace, host: INTERNET_HOST, count: COUNT, intervalMs: 20, payloadBytes: 172, dscp: DSCP_EF });
}

/** Parity sent and packets recovered at the client, then at the server. */
async function counters(bond: BondLab): Promise<readonly number[]> {
  const reports = await Promise.all([bond.client.peersFromNow(), bond.server.peersFromNow()]);
  return reports.flatMap(([peer]) => [peer!.parityPackets, peer!.recoveredPackets]);
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!;
}
