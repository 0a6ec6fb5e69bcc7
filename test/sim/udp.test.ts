import assert from "node:assert/strict";
import { test } from "node:test";
import { ApplicationSocket } from "./application-socket.ts";
import type { LinkOptions } from "./link.ts";
import type { Naps } from "./naps.ts";
import { UdpFlow } from "./udp-flow.ts";
import { World } from "./world.ts";

const PACKET_BYTES = 1_328;
/** With our own headers, outer IP and UDP, and Ethernet. */
const WIRE_BYTES = 1_406;
const LOAD = 0.9;
const START_US = 2e6;
const STOP_US = 8e6;
const END_US = 11e6;
/** Time between pauses over their length. */
const PERIOD_IN_PAUSES = 40;
const EXPEDITED_FORWARDING = 46;
const VIDEO_CONFERENCE = 34;

const EQUAL = [link(50, 20), link(50, 20)];
const UNEQUAL = [link(60, 10), link(40, 30), link(20, 60)];
const FAR_APART = [link(100, 15), link(100, 80)];

for (const [name, links] of Object.entries({
  "two equal links": EQUAL,
  "three unequal links": UNEQUAL,
  "two links far apart": FAR_APART,
})) {
  for (const [kind, change] of Object.entries({
    clean: {},
    "2 % loss": { lossPct: 2 },
    "2 % loss and jitter": { lossPct: 2, jitterMs: 10 },
  })) {
    test(`UDP of 0.9 Σ over ${name}, ${kind}: nothing lost, nothing out of order, no full socket, few bytes more`, () => {
      assertCarried(run(links.map((options) => ({ ...options, ...change }))));
    });
  }
}

// Pauses of both ends together take no more than half of what the flow leaves free.
for (const pauseMs of [20, 50]) {
  test(`UDP of 0.9 Σ survives that both ends stand still for ${pauseMs} ms again and again`, () => {
    for (const links of [EQUAL, UNEQUAL, UNEQUAL.map((options) => ({ ...options, lossPct: 2 }))]) {
      assertCarried(run(links, pauseMs));
    }
  });
}

test("a call that asks for urgency does not wait for the repair of another packet of its own", () => {
  const links = UNEQUAL.map((options) => ({ ...options, lossPct: 2 }));
  const ordered = callDelayP95Ms(links, VIDEO_CONFERENCE);
  const urgent = callDelayP95Ms(links, EXPEDITED_FORWARDING);
  assert.ok(urgent < 12, `${urgent} ms over links of 10 ms and more`);
  assert.ok(urgent < 0.6 * ordered, `${urgent} ms, in order ${ordered} ms`);
});

interface Run {
  readonly flow: UdpFlow;
  readonly socket: ApplicationSocket;
  /** Given to the links, beyond the flow's own frames. */
  readonly extraRatio: number;
}

function run(links: readonly LinkOptions[], pauseMs = 0): Run {
  const world = new World({
    seed: 11,
    links: links.map((options) => ({ up: options, down: options })),
    client: { naps: pauses(pauseMs, START_US + 300_000) },
    server: { naps: pauses(pauseMs, START_US + 700_000) },
  });
  const sumMbit = links.reduce((sum, { rateMbit }) => sum + rateMbit, 0);
  const flow = new UdpFlow(world.client, {
    port: 5_001,
    rateMbit: (LOAD * sumMbit * PACKET_BYTES) / WIRE_BYTES,
    packetBytes: PACKET_BYTES,
    startAt: START_US,
    stopAt: STOP_US,
  });
  const socket = new ApplicationSocket();
  world.server.onInner = (view, offset, length, now) => {
    socket.arrive(now);
    flow.receive(view, offset, length, now);
  };
  world.add(flow);
  world.runUntil(START_US);
  const offered = (): number => world.up.reduce((sum, { offeredBytes }) => sum + offeredBytes, 0);
  const before = offered();
  world.runUntil(END_US);
  return { flow, socket, extraRatio: (offered() - before) / (flow.sentPackets * WIRE_BYTES) - 1 };
}

/** The process gets no processor for so long, again and again from `firstAt` on. */
function pauses(pauseMs: number, firstAt: number): Pick<Naps, "wakeAt"> {
  const lengthUs = pauseMs * 1_000;
  return {
    wakeAt: (now) => {
      const since = (now - firstAt) % (PERIOD_IN_PAUSES * lengthUs);
      return since >= 0 && since < lengthUs ? now - since + lengthUs : 0;
    },
  };
}

function assertCarried({ flow, socket, extraRatio }: Run): void {
  assert.equal(flow.sentPackets - flow.receivedPackets, 0, "lost");
  assert.equal(flow.reorderedPackets, 0, "out of order");
  assert.equal(flow.duplicatePackets, 0, "twice");
  assert.equal(socket.overflowPackets, 0, "lost in the application's socket");
  assert.ok(extraRatio < 0.15, `${extraRatio} more bytes than the flow's`);
}

function callDelayP95Ms(links: readonly LinkOptions[], dscp: number): number {
  const world = new World({ seed: 5, links: links.map((options) => ({ up: options, down: options })) });
  const call = new UdpFlow(world.client, {
    port: 6_000,
    rateMbit: 4,
    packetBytes: 900,
    startAt: START_US,
    stopAt: STOP_US,
    dscp,
  });
  world.server.onInner = (view, offset, length, now) => call.receive(view, offset, length, now);
  world.add(call);
  world.runUntil(END_US);
  assert.equal(call.receivedPackets, call.sentPackets);
  return call.delaysUs.toSorted((a, b) => a - b)[Math.floor(0.95 * call.delaysUs.length)]! / 1_000;
}

function link(rateMbit: number, delayMs: number): LinkOptions {
  return { rateMbit, delayMs, queueMs: 100 };
}
