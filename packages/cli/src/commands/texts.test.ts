import assert from "node:assert/strict";
import { test } from "node:test";
import { management } from "@edgebos/proto";
import type { InstanceRecord } from "../instance/record.ts";
import { linksText } from "./links.ts";
import { statusText } from "./status.ts";

const NOW = 1_700_000_000_000;
const RECORD: InstanceRecord = {
  pid: 1,
  startTicks: 1,
  role: "client",
  node: "van",
  version: "0.1.0",
  configFile: "/c.yaml",
  http: "127.0.0.1:9080",
  startedMs: NOW - 3_600_000,
  readyMs: NOW,
  processes: [{ name: "dataplane", pid: 7, startTicks: 1, startedMs: NOW, restarts: 2 }],
};

test("links of a client: what the link carries, how it is and why", () => {
  const text = linksText(
    management.LinkList.fromPartial({
      links: [
        {
          link: {
            name: "wwan0",
            kind: 3,
            role: 1,
            condition: 4,
            reason: "Loses 3 % of the packets.",
            quality: { rttUs: 45_200, lossPpm: 30_000, capacityUpBps: 12_000_000, capacityDownBps: 40_000_000 },
          },
          path: { txRateBps: 1_000_000, rxRateBps: 20_000_000, mtuBytes: 1428 },
          plan: { enabled: false, role: 2, reason: "Kept in reserve." },
        },
      ],
    }),
  );
  const [head, row] = text.split("\n");
  assert.match(head!, /^LINK +KIND +CONDITION +UP +DOWN +RTT +LOSS/);
  assert.match(
    row!,
    /^wwan0 +cellular +degraded +1\.00 Mbit\/s +20\.0 Mbit\/s +45\.2 ms +3\.00 % +12\.0 Mbit\/s +40\.0 Mbit\/s +1428 +backup, resting +Loses 3 % of the packets\.; Kept in reserve\.$/,
  );
});

test("links of a server are its clients' paths", () => {
  const path = { peer: "van-7", link: "wwan0", state: 2 as const, srttUs: 30_000, txRateBps: 5_000_000 };
  const text = linksText(management.LinkList.fromPartial({ links: [{ path }] }));
  assert.match(text, /^PEER +LINK .*\nvan-7 +wwan0 +- +up +5\.00 Mbit\/s/);
});

test("without a link the text says why", () => {
  assert.match(linksText(management.LinkList.create()), /^There is no link: /);
});

test("status: readiness, peers with what they refused, services with their restarts", () => {
  const text = statusText(
    RECORD,
    management.Status.fromPartial({
      node: "van",
      version: "0.1.0",
      ready: false,
      summary: "No link answers.",
      plan: { summary: "Adaptive bonding over wwan0." },
      peers: [
        {
          peer: "server",
          connected: true,
          sinceMs: NOW - 61_000,
          innerV4: "10.231.0.2",
          drops: { replayed: 4, truncated: 0 },
        },
      ],
      services: [
        {
          name: "dataplane",
          pid: 7,
          healthy: false,
          detail: "no TUN device",
          startedMs: NOW - 5000,
          rssBytes: 90_000_000,
        },
      ],
    }),
    NOW,
  );
  assert.match(text, /^van \(edgebos-client 0\.1\.0\): NOT READY, up 1 h 0 min\nNo link answers\.\n\nPlan: Adaptive/);
  assert.match(text, /\nserver +connected for 1 min 1 s +10\.231\.0\.2 .* replayed 4\n/);
  assert.match(text, /\ndataplane +7 +5 s +90\.0 MB +2 +UNHEALTHY: no TUN device\n/);
});
