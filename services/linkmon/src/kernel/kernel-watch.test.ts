import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteEvent, RouteSocket } from "@edgebos/linux-io";
import { KernelWatch } from "./kernel-watch.ts";

test("the first poll gives a snapshot, and none follows while nothing happens", () => {
  const { watch } = watched();
  assert.ok(watch.poll(0));
  assert.equal(watch.poll(20), undefined);
  assert.equal(watch.stats().dumps, 1);
});

test("a burst of events gives one snapshot, after the first quiet poll", () => {
  const { watch, events } = watched();
  watch.poll(0);
  events.push(GONE, GONE);
  assert.equal(watch.poll(20), undefined);
  events.push(GONE);
  assert.equal(watch.poll(40), undefined);
  assert.ok(watch.poll(60));
  assert.equal(watch.poll(80), undefined);
  assert.equal(watch.stats().events, 3);
});

test("a burst that does not end is read after 100 ms all the same", () => {
  const { watch, events } = watched();
  watch.poll(0);
  const polls = [20, 40, 60, 80, 100, 120].map((nowMs) => {
    events.push(GONE);
    return watch.poll(nowMs) !== undefined;
  });
  assert.deepEqual(polls, [false, false, false, false, false, true]);
});

test("an overrun is counted and leads to a full look", () => {
  const { watch, events } = watched();
  watch.poll(0);
  events.push({ kind: "overrun" });
  watch.poll(20);
  assert.ok(watch.poll(40));
  assert.equal(watch.stats().overruns, 1);
});

const GONE: RouteEvent = { kind: "link-gone", ifindex: 9, name: "eth9" };

function watched(): { watch: KernelWatch; events: RouteEvent[] } {
  const events: RouteEvent[] = [];
  const socket: RouteSocket = {
    fd: -1,
    links: () => [],
    addresses: () => [],
    routes: () => [],
    drain(onEvent) {
      const waiting = events.splice(0);
      for (const event of waiting) onEvent(event);
      return waiting.length;
    },
    close() {},
  };
  return { watch: new KernelWatch(socket), events };
}
