/**
 * Memory of a client under traffic. Full topology: test/lab/topology.ts.
 *
 *   client ─┬─ link0  50 Mbit/s, RTT 20 ms ─┬─ server ── internet host (HTTP)
 *           └─ link1  30 Mbit/s, RTT 40 ms ─┘
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { INTERNET_HOST } from "../lab/plan.ts";
import { download, goodputMbit, startHttpServer } from "../lab/traffic/http.ts";
import { type BondLab, createBondLab } from "./support/bond-lab.ts";
import { PARTS, rssMiB } from "./support/processes.ts";
import { scenario } from "./support/scenario.ts";

const LINKS = [
  { mbit: 50, delayMs: 10 },
  { mbit: 30, delayMs: 20 },
];
const FILE_MB = 250;
/** All four services and nats-server together. */
const BAR_MIB = 350;

scenario("footprint of a client", [], ({ before, after, measure }) => {
  let bond: BondLab;

  before(async () => {
    bond = await createBondLab({ prefix: "e2efoot", links: LINKS });
    await startHttpServer(bond.lab.internet, FILE_MB, true);
  });
  after(() => bond?.destroy());

  measure(
    `the four services and nats-server stay below ${BAR_MIB} MiB together and do not grow under traffic`,
    async (t) => {
      const running = download({ namespace: bond.lab.client.namespace, host: INTERNET_HOST, seconds: TRAFFIC_S });
      const sums: number[] = [];
      while (sums.length < SAMPLES) {
        await delay((TRAFFIC_S * 1000) / (SAMPLES + 1));
        sums.push(sumMiB(bond));
      }
      const details = [...bond.client.parts()].map(([part, pid]) => `${part} ${rssMiB(pid).toFixed(0)}`).join(", ");
      t.diagnostic(`${details}; sums ${sums.map((sum) => sum.toFixed(0)).join(" ")}`);
      assert.ok(goodputMbit(await running) > LEAST_GOODPUT_MBIT, "there was traffic");
      assert.ok(
        Math.max(...sums) < BAR_MIB,
        `${Math.max(...sums).toFixed(0)} MiB; services that run from their sources, not built by "npm run setup", need more`,
      );
      const growth = mean(sums.slice(-SAMPLES / 4)) - mean(sums.slice(SAMPLES / 4, SAMPLES / 2));
      assert.ok(
        growth < GROWTH_LIMIT_MIB,
        `from the second to the last quarter the sum grew by ${growth.toFixed(1)} MiB`,
      );
    },
  );
});

const TRAFFIC_S = 20;
const SAMPLES = 16;
const LEAST_GOODPUT_MBIT = 30;
/** A garbage collector's tide: a heap that fills before it is emptied. */
const GROWTH_LIMIT_MIB = 15;

function sumMiB(bond: BondLab): number {
  const parts = bond.client.parts();
  assert.deepEqual([...parts.keys()].sort(), [...PARTS].sort(), "all parts run");
  return [...parts.values()].reduce((sum, pid) => sum + rssMiB(pid), 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
