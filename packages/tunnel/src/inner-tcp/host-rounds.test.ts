import assert from "node:assert/strict";
import { test } from "node:test";
import { HostRounds } from "./host-rounds.ts";

const RTT_US = 40_000;
const MIN_US = 2_500;
/** Sequence numbers pass zero on the way. */
const SEQUENCE = 0xffff_fff0;

test("a round ends with the ack of what had been sent when it began, and only few acks go in it", () => {
  const rounds = new HostRounds();
  rounds.noteAck(SEQUENCE, SEQUENCE + 50_000, 0);
  rounds.noteAck(at(50_000), at(150_000), RTT_US);
  const emittedAt = [RTT_US];
  for (let now = RTT_US; now < 2 * RTT_US; now += 400) {
    const acknowledgement = at(50_000 + (now - RTT_US) * 2);
    if (now - emittedAt.at(-1)! < rounds.spacingUs(acknowledgement, RTT_US)) continue;
    rounds.noteAck(acknowledgement, at(250_000), now);
    emittedAt.push(now);
  }
  assert.ok(emittedAt.length >= 4 && emittedAt.length < 8, `${emittedAt.length} acks in one round trip`);
  assert.equal(rounds.isEnd(at(149_999)), false);
  assert.equal(rounds.isEnd(at(150_000)), true);
  assert.equal(rounds.spacingUs(at(150_000), RTT_US), MIN_US, "the next round may begin");
});

test("a round that takes longer than the last has no more acks for it", () => {
  const rounds = new HostRounds();
  rounds.noteAck(SEQUENCE, at(10_000), 0);
  rounds.noteAck(at(10_000), at(30_000), RTT_US);
  let lastAt = RTT_US;
  let acks = 1;
  for (let now = RTT_US; now < 2.9 * RTT_US; now += 400) {
    if (now - lastAt < rounds.spacingUs(at(20_000), RTT_US)) continue;
    rounds.noteAck(at(20_000), at(40_000), now);
    lastAt = now;
    acks++;
  }
  assert.ok(acks < 8, `${acks} acks`);
});

function at(bytes: number): number {
  return (SEQUENCE + bytes) >>> 0;
}
