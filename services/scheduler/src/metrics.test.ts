import assert from "node:assert/strict";
import { test } from "node:test";
import { common, plan } from "@edgebos/proto";
import { Metrics } from "@edgebos/service";
import { declareMetrics } from "./metrics.ts";

test("every declared metric is emitted, and none of a link that the plan no longer names", async () => {
  const metrics = new Metrics({});
  const present = plan.ForwardingPlan.fromPartial({
    revision: 4,
    createdMs: 5000,
    algorithm: common.Algorithm.LATENCY_BASED,
    links: [{ link: "eth0", enabled: true, weight: 2.5, rateLimitBps: 5e6 }],
  });
  let state = { plan: present, activeRole: common.LinkRole.PRIMARY, rests: new Map(), weights: new Map() };
  declareMetrics(metrics, () => state);
  const text = await metrics.text();
  const expected = [
    "edgebos_plan_revision 4",
    "edgebos_plan_created_timestamp_seconds 5",
    'edgebos_plan_algorithm{algorithm="latency-based"} 1',
    'edgebos_plan_link_enabled{peer="",link="eth0"} 1',
    'edgebos_plan_link_weight{peer="",link="eth0"} 2.5',
    'edgebos_plan_link_limit_bits_per_second{peer="",link="eth0"} 5000000',
  ];
  for (const line of expected) assert.ok(text.includes(line), line);
  state = { ...state, plan: { ...present, links: [] } };
  assert.ok(!(await metrics.text()).includes("eth0"));
});
