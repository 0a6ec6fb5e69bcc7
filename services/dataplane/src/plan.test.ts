import assert from "node:assert/strict";
import { test } from "node:test";
import { common, plan } from "@edgebos/proto";
import type { PathId } from "@edgebos/tunnel";
import {
  algorithmMessage,
  algorithmOf,
  bondPlan,
  configuredPolicy,
  DEFAULT_PATH_PLAN,
  mergedPathPlan,
  mergedPolicy,
  planOfPeer,
  policyOf,
} from "./plan.ts";

const forwarding = plan.ForwardingPlan.fromPartial({
  algorithm: common.Algorithm.WEIGHTED,
  copies: 3,
  links: [
    { link: "wlan0", enabled: true, role: common.LinkRole.BACKUP, weight: 3, rateLimitBps: 5e6 },
    { peer: "van", link: "wwan0", enabled: false, role: common.LinkRole.PRIMARY, weight: 1 },
  ],
});

test("a plan is applied by link name, and links that it does not name are primaries of weight 1", () => {
  const { policy, links } = planOfPeer(forwarding, "");
  assert.deepEqual(policy, { algorithm: "weighted", copies: 3, fec: true });
  const bond = bondPlan(
    { algorithm: "weighted" },
    [
      [0 as PathId, "eth0"],
      [1 as PathId, "wlan0"],
    ],
    links,
  );
  assert.deepEqual(bond.paths.get(0 as PathId), DEFAULT_PATH_PLAN);
  assert.deepEqual(bond.paths.get(1 as PathId), { enabled: true, role: "backup", weight: 3, rateLimitBps: 5e6 });
});

test("links of other peers do not count", () => {
  assert.deepEqual([...planOfPeer(forwarding, "van").links.keys()], ["wwan0"]);
  assert.deepEqual([...planOfPeer(forwarding, "ship").links.keys()], []);
});

test("without a plan, or with one that names no algorithm, there is no policy to override the configured one", () => {
  assert.equal(planOfPeer(undefined, "").policy, undefined);
  assert.equal(planOfPeer(plan.ForwardingPlan.create(), "").policy, undefined);
});

test("the lower of two rate limits holds, and either end can take a path out of use", () => {
  const client = { enabled: true, role: "metered", weight: 2, rateLimitBps: 4e6 } as const;
  const server = { enabled: true, role: "primary", weight: 9, rateLimitBps: 3e6 } as const;
  assert.deepEqual(mergedPathPlan(client, server), { ...client, rateLimitBps: 3e6 });
  assert.equal(mergedPathPlan(client, { ...server, rateLimitBps: 0 }).rateLimitBps, 4e6);
  assert.equal(mergedPathPlan(client, { ...server, enabled: false }).enabled, false);
  assert.deepEqual(mergedPathPlan(client, undefined), client);
});

test("the client says how its links are used; the server can do without error correction", () => {
  const client = configuredPolicy({ algorithm: "redundant", copies: 0, fec: "auto" });
  assert.deepEqual(client, { algorithm: "redundant", copies: 0, fec: true });
  assert.deepEqual(mergedPolicy(client, configuredPolicy({ algorithm: "weighted", copies: 2, fec: "auto" })), client);
  const off = policyOf(plan.ForwardingPlan.fromPartial({ algorithm: common.Algorithm.WEIGHTED, fecOff: true }));
  assert.deepEqual(mergedPolicy(client, off), { ...client, fec: false });
  assert.deepEqual(mergedPolicy({ ...client, fec: false }, undefined), { ...client, fec: false });
});

test("algorithms keep their meaning on the wire", () => {
  for (const name of ["round-robin", "weighted", "latency-based", "adaptive", "redundant"] as const) {
    assert.equal(algorithmOf(algorithmMessage(name)), name);
  }
  assert.equal(algorithmOf(common.Algorithm.UNSPECIFIED), undefined);
});
