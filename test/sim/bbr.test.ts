import assert from "node:assert/strict";
import { test } from "node:test";
import type { LinkOptions } from "./link.ts";
import { TcpFlow } from "./tcp-flow.ts";
import { World } from "./world.ts";

const CEILING_SHARE = 1_384 / 1_514;
const START_US = 3e6;

const PROFILES: Record<string, { links: readonly LinkOptions[]; earlyShare: number }> = {
  "three unequal links": { links: [link(60, 10), link(40, 30), link(20, 60)], earlyShare: 0.94 },
  "two links far apart": { links: [link(100, 15), link(100, 80)], earlyShare: 0.86 },
  "two links a hundred ms apart": { links: [link(50, 20), link(50, 120)], earlyShare: 0.89 },
};

for (const [name, { links, earlyShare }] of Object.entries(PROFILES)) {
  test(`BBR grows beyond the quickest link of ${name}, and fills all of them once its first round trip is forgotten`, () => {
    const { early, late, flow } = upload(links, true);
    assert.ok(early >= earlyShare, `${early} of the ceiling in seconds 2 to 8`);
    assert.ok(late >= 0.88, `${late} of the ceiling in seconds 13 to 18`);
    assert.equal(flow.receiver.outOfOrderPackets, 0);
  });
}

test("without help BBR never gets beyond what its first round trip allows", () => {
  const { late } = upload(PROFILES["two links a hundred ms apart"]!.links, false);
  assert.ok(late < 0.85, `${late}`);
});

/** Shares of the ceiling. */
function upload(links: readonly LinkOptions[], helpHosts: boolean): { early: number; late: number; flow: TcpFlow } {
  const world = new World({ seed: 3, helpHosts, links: links.map((options) => ({ up: options, down: options })) });
  const options = { port: 40_001, congestion: "bbr", startAt: START_US, stopAt: START_US + 18e6 } as const;
  const flow = new TcpFlow(world.client, world.server, options);
  world.server.onInner = (view, offset, length, now) => flow.receiveAtReceiver(view, offset, length, now);
  world.client.onInner = (view, offset, length, now) => flow.receiveAtSender(view, offset, length, now);
  world.add(flow);
  const bytesPerUs = (CEILING_SHARE * links.reduce((sum, { rateMbit }) => sum + rateMbit, 0)) / 8;
  const share = (fromS: number, toS: number): number => {
    world.runUntil(START_US + fromS * 1e6);
    const before = flow.deliveredBytes;
    world.runUntil(START_US + toS * 1e6);
    return (flow.deliveredBytes - before) / (bytesPerUs * (toS - fromS) * 1e6);
  };
  const early = share(2, 8);
  return { early, late: share(13, 18), flow };
}

function link(rateMbit: number, delayMs: number): LinkOptions {
  return { rateMbit, delayMs, queueMs: 100 };
}
