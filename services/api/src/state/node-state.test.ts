import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { common } from "@edgebos/proto";
import { sampleEvent, sampleLink, samplePath, samplePlan, sampleTelemetry } from "../fixtures/samples.ts";
import { feedDirectly } from "./direct-feed.ts";
import { EVENTS_KEPT, NodeState, type StateChange, TELEMETRY_STALE_MS } from "./node-state.ts";
import type { Services } from "./services.ts";

describe("the state of a node", () => {
  test("lists links by the operator's priority, those without one last, then by name", () => {
    const state = new NodeState();
    for (const [name, priority] of [
      ["b", 0],
      ["z", 1],
      ["a", 0],
      ["y", 2],
    ] as const) {
      state.setLink(name, sampleLink(name, { priority }));
    }
    assert.deepEqual(names(state), ["z", "y", "a", "b"]);
    state.setLink("y", undefined);
    assert.deepEqual(names(state), ["z", "a", "b"]);
  });

  test("forgets telemetry that is stale, and says so once", () => {
    const state = new NodeState();
    state.setTelemetry(sampleTelemetry([samplePath("wlan0")]), 1000);
    const heard = listen(state);
    state.expire(1000 + TELEMETRY_STALE_MS - 1);
    assert.ok(state.telemetry);
    state.expire(1000 + TELEMETRY_STALE_MS);
    state.expire(1000 + TELEMETRY_STALE_MS + 1);
    assert.equal(state.telemetry, undefined);
    assert.deepEqual(heard, ["statistics", "links"]);
  });

  test("announces links when a path changes its state, not with every telemetry", () => {
    const state = new NodeState();
    state.setTelemetry(sampleTelemetry([samplePath("wlan0")]), 0);
    const heard = listen(state);
    state.setTelemetry(sampleTelemetry([samplePath("wlan0", { txBytes: 1 })]), 500);
    assert.deepEqual(heard, ["statistics"]);
    state.setTelemetry(sampleTelemetry([samplePath("wlan0", { state: common.PathState.STALLED })]), 1000);
    assert.deepEqual(heard, ["statistics", "statistics", "links"]);
  });

  test("keeps a bounded number of events, the newest", () => {
    const state = new NodeState();
    for (let index = 0; index < EVENTS_KEPT + 5; index++) state.addEvent(sampleEvent(String(index)));
    assert.equal(state.events.length, EVENTS_KEPT);
    assert.equal(state.events[0]?.text, "5");
  });
});

describe("the direct feed", () => {
  const answers = {
    telemetry: async () => sampleTelemetry([samplePath("wlan0")]),
    links: async () => [sampleLink("wlan0")],
    plan: async () => samplePlan("wlan0"),
  } as unknown as Services;
  const silence = {
    telemetry: async () => undefined,
    links: async () => undefined,
    plan: async () => undefined,
  } as unknown as Services;

  test("asks the services for everything while the bus is down", async () => {
    const state = new NodeState();
    await feedDirectly(state, answers, false, () => 0);
    assert.deepEqual(names(state), ["wlan0"]);
    assert.equal(state.plan?.revision, 4);
    assert.equal(state.telemetry?.paths.length, 1);
  });

  test("asks nobody while telemetry comes over the bus", async () => {
    const state = new NodeState();
    state.setTelemetry(sampleTelemetry([]), 0);
    await feedDirectly(state, answers, true, () => 1000);
    assert.deepEqual(state.telemetry?.paths, []);
  });

  test("keeps links and plan when nobody answers, and lets telemetry grow stale", async () => {
    const state = new NodeState();
    await feedDirectly(state, answers, false, () => 0);
    await feedDirectly(state, silence, false, () => TELEMETRY_STALE_MS);
    assert.deepEqual(names(state), ["wlan0"]);
    assert.equal(state.telemetry, undefined);
  });
});

function names(state: NodeState): string[] {
  return state.links.map(({ name }) => name);
}

function listen(state: NodeState): StateChange["kind"][] {
  const heard: StateChange["kind"][] = [];
  state.onChange(({ kind }) => heard.push(kind));
  return heard;
}
