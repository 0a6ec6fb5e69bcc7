import assert from "node:assert/strict";
import { test } from "node:test";
import { common, link } from "@edgebos/proto";
import { Metrics } from "@edgebos/service";
import { declareMetrics } from "./metrics.ts";

const LINK = link.Link.fromPartial({
  name: "wwan0",
  kind: common.LinkKind.USB_TETHERING,
  role: common.LinkRole.METERED,
  condition: common.LinkCondition.DEGRADED,
  quality: { rttUs: 45_000, lossPpm: 20_000, capacityDownBps: 30e6, stability: 0.5 },
});
const COUNTERS = { kernel: { events: 5, overruns: 1, dumps: 2 }, routingCommands: 7, routingFailures: 3 };

test("every declared metric is emitted, in base units", async () => {
  const metrics = new Metrics({});
  const { countChange } = declareMetrics(
    metrics,
    () => [LINK],
    () => COUNTERS,
  );
  countChange(LINK);
  const text = await metrics.text();
  const expected = [
    'edgebos_link_info{link="wwan0",kind="usb_tethering",role="metered"} 1',
    'edgebos_link_condition{link="wwan0",condition="degraded"} 1',
    'edgebos_link_condition{link="wwan0",condition="up"} 0',
    'edgebos_link_rtt_seconds{link="wwan0"} 0.045',
    'edgebos_link_min_rtt_seconds{link="wwan0"} 0',
    'edgebos_link_jitter_seconds{link="wwan0"} 0',
    'edgebos_link_loss_ratio{link="wwan0"} 0.02',
    'edgebos_link_capacity_bits_per_second{link="wwan0",direction="down"} 30000000',
    'edgebos_link_rate_bits_per_second{link="wwan0",direction="up"} 0',
    'edgebos_link_stability_ratio{link="wwan0"} 0.5',
    'edgebos_link_condition_changes_total{link="wwan0",condition="degraded"} 1',
    "edgebos_linkmon_netlink_events_total 5",
    "edgebos_linkmon_netlink_overruns_total 1",
    "edgebos_linkmon_netlink_dumps_total 2",
    "edgebos_linkmon_routing_commands_total 7",
    "edgebos_linkmon_routing_failures_total 3",
  ];
  for (const line of expected) assert.ok(text.includes(line), line);
});

test("a link that went leaves no series behind", async () => {
  const metrics = new Metrics({});
  let links = [LINK];
  declareMetrics(
    metrics,
    () => links,
    () => COUNTERS,
  );
  await metrics.text();
  links = [];
  assert.ok(!(await metrics.text()).includes("wwan0"));
});
