import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { QuicFlow } from "./quic-flow.ts";
import { World } from "./world.ts";

/** UDP payload per 1,514-byte frame, of which QUIC takes about 30 bytes. */
const CEILING_SHARE = 1_380 / 1_514;
const PAYLOAD_SHARE = 1_380 / 1_430;
const START_US = 3e6;
const RAMP_US = 3e6;
const STOP_US = 10e6;
const SHORT_BYTES = 30_000;
const WARM_UP_US = 20e6;

const UNEQUAL = [link(60, 10), link(40, 30), link(20, 60)];
const TWO_LEGS = [link(100, 15), link(100, 80)];
const LOSSY = [link(50, 20, { lossPct: 2 }), link(50, 20, { lossPct: 2 })];
const JITTERY = [link(50, 20, { jitterMs: 5 }), link(50, 20, { jitterMs: 5 })];

for (const [name, links] of Object.entries({
  "three unequal links": UNEQUAL,
  "two links far apart": TWO_LEGS,
  "two links with 2 % loss": LOSSY,
  "two links with jitter": JITTERY,
})) {
  test(`a QUIC download fills ${name}, and hardly loses a packet`, () => {
    const { share, flow } = download(links);
    assert.ok(share >= 0.93, `${share} of the ceiling, slow start: ${flow.congestion.exitReason}`);
    assert.ok(flow.lostPackets <= flow.sentPackets / 1_000, `${flow.lostPackets} of ${flow.sentPackets} lost`);
    assert.equal(flow.spuriousPackets, 0);
  });
}

test("without help its slow start ends long before links far apart are full", () => {
  const { share } = download(TWO_LEGS, false);
  assert.ok(share < 0.8, `${share} of the ceiling`);
});

test("a short answer is not later for the help that long ones get", () => {
  for (const links of [UNEQUAL, TWO_LEGS, LOSSY]) {
    const [helped, plain] = [shortMs(links, true), shortMs(links, false)];
    assert.ok(helped <= plain + 1, `${helped} ms, without help ${plain} ms`);
  }
});

function download(links: readonly LinkOptions[], helpHosts = true): { share: number; flow: QuicFlow } {
  const { world, flow } = create(links, helpHosts, START_US, STOP_US);
  world.runUntil(START_US + RAMP_US);
  const before = flow.deliveredBytes;
  world.runUntil(STOP_US);
  const sumMbit = links.reduce((sum, { rateMbit }) => sum + rateMbit, 0);
  const ceilingBytes = (CEILING_SHARE * sumMbit * (STOP_US - START_US - RAMP_US)) / 8;
  return { share: ((flow.deliveredBytes - before) * PAYLOAD_SHARE) / ceilingBytes, flow };
}

/** How long it takes until as much has arrived as a short answer has. */
function shortMs(links: readonly LinkOptions[], helpHosts: boolean): number {
  const { world, flow } = create(links, helpHosts, WARM_UP_US, WARM_UP_US + 2e6);
  for (let now = WARM_UP_US; flow.deliveredBytes < SHORT_BYTES; now += 500) world.runUntil(now);
  return (world.now - WARM_UP_US) / 1_000;
}

function create(
  links: readonly LinkOptions[],
  helpHosts: boolean,
  startAt: number,
  stopAt: number,
): { world: World; flow: QuicFlow } {
  const world = new World({ seed: 3, helpHosts, links: links.map((options) => ({ up: options, down: options })) });
  const flow = new QuicFlow(world.server, world.client, { port: 40_001, startAt, stopAt });
  world.client.onInner = (view, offset, _length, now) => flow.receiveAtReceiver(view, offset, now);
  world.server.onInner = (view, offset, _length, now) => flow.receiveAtSender(view, offset, now);
  world.add(flow);
  return { world, flow };
}

function link(rateMbit: number, delayMs: number, change: Partial<LinkOptions> = {}): LinkOptions {
  return { rateMbit, delayMs, queueMs: 100, ...change };
}
