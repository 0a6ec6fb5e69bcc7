import assert from "node:assert/strict";
import { test } from "node:test";
import { micros } from "../test-support.ts";
import { AckFrame } from "../wire/frames.ts";
import { CapacityTrain } from "./capacity-train.ts";

const DATAGRAM_BYTES = 1_500;

test("trains that agree measure the link, whatever the acks do", () => {
  const train = new CapacityTrain();
  const results = runTrains(train, () => 6.25);
  assert.equal(results.length, 4);
  assert.ok(Math.abs(train.rate - 6.25) < 0.01);
  assert.ok(train.isSure);
});

test("trains that jitter bends are a hint and no certainty", () => {
  const train = new CapacityTrain();
  runTrains(train, (number) => [6, 3, 6, 4][number]!);
  assert.equal(train.isSure, false);
  assert.equal(train.rate, 4);
});

test("a slow link is spared the long trains", () => {
  const train = new CapacityTrain();
  const results = runTrains(train, () => 0.1);
  assert.equal(results.length, 1);
});

test("a train whose spread is beyond the clock's resolution says nothing", () => {
  const train = new CapacityTrain();
  const results = runTrains(train, () => 500);
  assert.deepEqual(results, []);
  assert.equal(train.rate, 0);
  assert.equal(train.isUnderWay, false);
});

test("acks of a train's last datagrams alone say nothing, and do not end the measurement", () => {
  const train = new CapacityTrain();
  const results = runTrains(train, (number) => (number === 0 ? 0.1 : 6.25), 7);
  assert.equal(results.length, 3);
  assert.ok(train.isSure);
});

/**
 * Sends all trains over a link of the given rate (bytes per µs) and acks every third datagram, of the first, short train none before `firstAck`. Returns the rates
 * concluded.
 */
function runTrains(train: CapacityTrain, rateOf: (number: number) => number, firstAck = 0): number[] {
  const results: number[] = [];
  const ack = new AckFrame();
  let now = 1e6;
  let next = 1;
  let bytes = 0;
  train.begin(micros(now));
  for (let number = 0; train.dueAt() < Number.POSITIVE_INFINITY; number++) {
    now = Math.max(now, train.dueAt());
    const first = next;
    next += train.datagrams();
    train.onSent(first, next, 20_000, micros(now));
    for (let n = first; n < next; n++) {
      now += DATAGRAM_BYTES / rateOf(number);
      bytes += DATAGRAM_BYTES;
      if ((n - first) % 3 !== 2 && n !== next - 1) continue;
      if (number === 0 && n - first < firstAck) continue;
      ack.largest = n;
      ack.bytesReceived = bytes;
      ack.receivedAt = now;
      if (train.onAck(ack)) results.push(train.rate);
    }
  }
  return results;
}
