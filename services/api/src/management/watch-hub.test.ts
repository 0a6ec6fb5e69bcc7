import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { management } from "@edgebos/proto";
import { sampleEvent, sampleLink, samplePath, samplePlan, sampleTelemetry } from "../fixtures/samples.ts";
import { NodeState } from "../state/node-state.ts";
import { EVENTS_REPLAYED, GATHER_MS, WatchHub } from "./watch-hub.ts";

describe("a watch", () => {
  test("begins with the present state and the recent events", () => {
    const state = new NodeState();
    state.setPlan(samplePlan("wlan0"));
    for (let index = 0; index < EVENTS_REPLAYED + 3; index++) state.addEvent(sampleEvent(String(index)));
    const { sink, heard, events } = reader();
    new WatchHub(state, "client").open([], sink);
    assert.deepEqual(heard.slice(0, 4), ["links", "plan", "statistics", "event"]);
    assert.equal(events.length, EVENTS_REPLAYED);
    assert.equal(events[0], "3");
  });

  test("carries the topics that were asked for and no others", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const state = new NodeState();
    const { sink, heard } = reader();
    new WatchHub(state, "client").open(["plan"], sink);
    state.setPlan(samplePlan());
    state.setTelemetry(sampleTelemetry([]), 0);
    state.addEvent(sampleEvent("x"));
    context.mock.timers.tick(GATHER_MS);
    assert.deepEqual(heard, ["plan"]);
  });

  test("gathers changes of links for a moment", (context) => {
    const { state, heard } = opened(context, ["links"]);
    for (const name of ["a", "b", "c"]) state.setLink(name, sampleLink(name));
    assert.deepEqual(heard, ["links"]);
    context.mock.timers.tick(GATHER_MS);
    assert.deepEqual(heard, ["links", "links"]);
  });

  test("that is read too slowly misses states between, and gets the latest when it goes on", (context) => {
    const { state, watch, sink, heard, rates } = opened(context, ["statistics", "events"]);
    sink.full = true;
    for (const txRateBps of [1, 2, 3]) state.setTelemetry(sampleTelemetry([samplePath("a", { txRateBps })]), 0);
    state.addEvent(sampleEvent("kept"));
    assert.deepEqual(rates, [0, 1]);
    sink.full = false;
    watch.resume();
    assert.deepEqual(rates, [0, 1, 3]);
    assert.equal(heard.at(-1), "event");
  });

  test("is refused when a topic is not known, or too many watch", () => {
    const hub = new WatchHub(new NodeState(), "client");
    assert.throws(() => hub.open(["weather"], reader().sink), { code: "topic-unknown", message: /links, statistics/ });
    for (let index = 0; index < 64; index++) hub.open([], reader().sink);
    assert.throws(() => hub.open([], reader().sink), { code: "too-many-watchers" });
  });

  test("is over when it is closed, and ends when the hub closes", () => {
    const state = new NodeState();
    const hub = new WatchHub(state, "client");
    const [gone, staying] = [reader(), reader()];
    hub.open(["plan"], gone.sink).close();
    hub.open(["plan"], staying.sink);
    state.setPlan(samplePlan());
    assert.deepEqual([gone.heard, staying.heard], [[], ["plan"]]);
    hub.close();
    assert.deepEqual([gone.sink.ended, staying.sink.ended], [false, true]);
    assert.equal(hub.watchers, 0);
  });
});

function opened(context: TestContext, topics: readonly string[]) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const state = new NodeState();
  const read = reader();
  const watch = new WatchHub(state, "client").open(topics, read.sink);
  return { state, watch, ...read };
}

/** A sink that remembers what it was told. */
function reader() {
  const heard: string[] = [];
  const events: string[] = [];
  const rates: number[] = [];
  const sink = {
    full: false,
    ended: false,
    send: ({ payload }: management.WatchEvent) => {
      heard.push(payload?.$case ?? "");
      if (payload?.$case === "event") events.push(payload.value.text);
      if (payload?.$case === "statistics") rates.push(payload.value.txRateBps);
      return !sink.full;
    },
    end: () => {
      sink.ended = true;
    },
  };
  return { sink, heard, events, rates };
}
