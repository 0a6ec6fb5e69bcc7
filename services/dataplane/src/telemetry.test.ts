import assert from "node:assert/strict";
import { test } from "node:test";
import { common } from "@edgebos/proto";
import type { BondStats, PathId } from "@edgebos/tunnel";
import type { SessionSnapshot } from "./loop/commands.ts";
import { type PeerInfo, pathReports, TelemetryBook } from "./telemetry.ts";

const PEER: PeerInfo = {
  session: 5,
  peer: "van",
  connected: true,
  sinceMs: 1,
  innerV4: "10.231.0.2",
  innerV6: "fdeb::2",
  epoch: 3,
  reports: new Map([[0, { capacityBps: 2e6, lossPpm: 50 }]]),
};

test("rates are what was sent and received since the snapshot before", () => {
  const book = new TelemetryBook();
  book.update([snapshot({ txBytes: 1000, rxBytes: 0 })], [PEER], 10_000);
  const [path] = book.update([snapshot({ txBytes: 63_500, rxBytes: 6250 })], [PEER], 10_500).paths;
  assert.deepEqual([path?.txRateBps, path?.rxRateBps], [1_000_000, 100_000]);
});

test("the first snapshot and one after a new session have no negative or invented rates", () => {
  const book = new TelemetryBook();
  assert.equal(book.update([snapshot({ txBytes: 9e9 })], [PEER], 1000).paths[0]?.txRateBps, 0);
  assert.equal(book.update([snapshot({ txBytes: 10 })], [PEER], 1500).paths[0]?.txRateBps, 0);
});

test("what the peer says of its direction stands with the path", () => {
  const [path] = new TelemetryBook().update([snapshot({})], [PEER], 1000).paths;
  assert.deepEqual([path?.peer, path?.link, path?.peerCapacityBps, path?.peerLossPpm], ["van", "wwan0", 2e6, 50]);
});

test("a session whose peer is not known is left out", () => {
  const { paths, peers } = new TelemetryBook().update([snapshot({})], [], 1000);
  assert.deepEqual([paths, peers], [[], []]);
});

test("link reports carry whole numbers, as the message wants them", () => {
  assert.deepEqual(pathReports(snapshot({ capacityBps: 1e6 + 0.4, srttUs: 20_000.7 })), [
    { pathId: 0, capacityBps: 1e6, lossPpm: 0, srttUs: 20_001, state: common.PathState.UP },
  ]);
});

function snapshot(difference: { [key: string]: number }): SessionSnapshot {
  const zero = {
    minRttUs: 0,
    mtuBytes: 0,
    rttVarUs: 0,
    capacityBps: 0,
    pacingBps: 0,
    inFlightBytes: 0,
    windowBytes: 0,
    srttUs: 0,
  };
  const counts = { txPackets: 0, txBytes: 0, rxPackets: 0, rxBytes: 0, lostPackets: 0, lossPpm: 0, repairedPackets: 0 };
  const parts = { repairedBytes: 0, txAckBytes: 0, txProbeBytes: 0 };
  const path = {
    id: 0 as PathId,
    name: "wwan0",
    state: "up" as const,
    remote: "",
    ...zero,
    ...counts,
    ...parts,

    ...difference,
  };
  return { session: 5, stats: { drops: {} } as unknown as BondStats, paths: [path] };
}
