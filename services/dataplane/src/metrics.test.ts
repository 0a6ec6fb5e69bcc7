import assert from "node:assert/strict";
import { test } from "node:test";
import { common, telemetry } from "@edgebos/proto";
import { Metrics } from "@edgebos/service";
import { createCounters, readCounters } from "./loop/counters.ts";
import { declareMetrics, METRIC_NAMES } from "./metrics.ts";

const PATHS = telemetry.PathTelemetry.fromPartial({
  paths: [{ peer: "van", link: "wwan0", state: common.PathState.STALLED, txBytes: 1500, srttUs: 25_000 }],
  peers: [{ peer: "van", connected: true, rxPackets: 7 }],
});

test("every declared metric is emitted, with a value", async () => {
  const text = await scrape(PATHS);
  for (const name of METRIC_NAMES) assert.match(text, new RegExp(`^${name}[ {]`, "m"), name);
});

test("values are in base units and carry their labels", async () => {
  const text = await scrape(PATHS);
  assert.match(text, /^edgebos_path_transmit_bytes_total\{peer="van",link="wwan0"\} 1500$/m);
  assert.match(text, /^edgebos_path_rtt_seconds\{peer="van",link="wwan0"\} 0\.025$/m);
  assert.match(text, /^edgebos_path_state\{peer="van",link="wwan0",state="stalled"\} 1$/m);
  assert.match(text, /^edgebos_path_state\{peer="van",link="wwan0",state="up"\} 0$/m);
  assert.match(text, /^edgebos_session_receive_packets_total\{peer="van"\} 7$/m);
  assert.match(text, /^edgebos_control_refused_total\{reason="unknown-client"\} 3$/m);
});

test("a path that is gone is not told of any more", async () => {
  assert.doesNotMatch(await scrape(PATHS, telemetry.PathTelemetry.fromPartial({})), /wwan0/);
});

/** The text of a scrape after telemetry was each of `latest` in turn, with a scrape for each. */
async function scrape(...latest: telemetry.PathTelemetry[]): Promise<string> {
  const metrics = new Metrics({});
  let present = latest[0]!;
  declareMetrics(metrics, {
    telemetry: () => present,
    counters: () => readCounters(createCounters()),
    refused: () => new Map([["unknown-client", 3]]),
  });
  let text = "";
  for (present of latest) text = await metrics.text();
  return text;
}
