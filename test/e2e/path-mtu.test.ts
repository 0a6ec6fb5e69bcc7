/**
 * A way that is narrower than it says, and says nothing about it. Full topology: test/lab/topology.ts.
 *
 *   client ── link0  50 Mbit/s, RTT 20 ms ── server ── internet host (HTTP)
 *            1500 bytes pass, later only 1300: larger packets vanish
 */
import assert from "node:assert/strict";
import { INTERNET_HOST, type LabLink } from "../lab/plan.ts";
import { type DownloadProgress, download, startHttpServer } from "../lab/traffic/http.ts";
import { ping } from "../lab/traffic/ping.ts";
import { type BondLab, createBondLab } from "./support/bond-lab.ts";
import { watchLosses } from "./support/losses.ts";
import type { ProductNode } from "./support/product-node.ts";
import { scenario } from "./support/scenario.ts";
import { until } from "./support/wait.ts";

const LINK = { mbit: 50, delayMs: 10 };
const FILE_MB = 30;
const NARROW_BYTES = 1300;
/** Makes an inner packet of 1436 bytes, with its IPv4 and ICMP headers, and a datagram of the 1500 that the link's interface takes. */
const FULL_PAYLOAD_BYTES = 1436 - 28;
const PINGS = 80;
const PAUSE_LIMIT_MS = 1000;

scenario("a way whose MTU falls without a word", ["ping"], ({ before, after, measure }) => {
  let bond: BondLab;
  let link: LabLink;

  before(async () => {
    bond = await createBondLab({ prefix: "e2emtu", links: [LINK] });
    link = bond.lab.client.links[0]!;
    await startHttpServer(bond.lab.internet, FILE_MB, true);
  });
  after(() => bond?.destroy());

  measure("full-sized packets that may not be fragmented and a download go on when it falls to 1300", async (t) => {
    await bond.lab.change(link, { mtuBytes: 0 });
    const losses = await watchLosses(bond);
    const seen: DownloadProgress[] = [];
    const { namespace } = bond.lab.client;
    const transfer = download({ namespace, host: INTERNET_HOST, onProgress: (progress) => seen.push(progress) });
    const full = ping({
      namespace,
      host: INTERNET_HOST,
      count: PINGS,
      intervalMs: 50,
      payloadBytes: FULL_PAYLOAD_BYTES,
      whole: true,
    });
    await until("the download has run for 1.5 s", 10_000, () => (seen.at(-1)?.elapsedMs ?? 0) >= 1500);
    await bond.lab.change(link, { mtuBytes: NARROW_BYTES });
    const [result, pings] = await Promise.all([transfer, full]);
    const found = await Promise.all([bond.client, bond.server].map(mtuOf));
    t.diagnostic(
      `longest pause ${result.longestGapMs.toFixed(0)} ms, longest round trip ${Math.max(...pings.rttsMs).toFixed(0)} ms, ` +
        `MTU found ${found.join(" and ")}; ${await losses()}`,
    );
    assert.equal(result.sha256, "matches");
    assert.ok(result.longestGapMs < PAUSE_LIMIT_MS, `nothing arrived for ${result.longestGapMs} ms`);
    assert.equal(pings.rttsMs.length, PINGS);
    assert.ok(Math.max(...pings.rttsMs) < PAUSE_LIMIT_MS);
    for (const mtuBytes of found) assert.ok(mtuBytes > NARROW_BYTES - 16 && mtuBytes <= NARROW_BYTES, `${mtuBytes}`);
  });
});

/** The MTU that this end has found in its sending direction, once it is below that of the interface. */
async function mtuOf(node: ProductNode): Promise<number> {
  let mtuBytes = 0;
  await until("an end knows what passes", 5000, async () => {
    mtuBytes = (await node.links())[0]?.path?.mtuBytes ?? 0;
    return mtuBytes > NARROW_BYTES - 16 && mtuBytes <= NARROW_BYTES;
  });
  return mtuBytes;
}
