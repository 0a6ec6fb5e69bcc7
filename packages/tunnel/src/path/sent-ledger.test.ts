import assert from "node:assert/strict";
import { test } from "node:test";
import { micros } from "../test-support.ts";
import { AckFrame } from "../wire/frames.ts";
import { LossDetector } from "./loss-detector.ts";
import { RttEstimator } from "./rtt-estimator.ts";
import { IN_FLIGHT, PART_WHOLE, SentLedger, type SentSink } from "./sent-ledger.ts";

const RTT_US = 20_000;

test("acknowledged packets leave the ledger, the others stay in flight", () => {
  const { ledger, sink, ack } = create(10);
  ack(
    [
      [4, 1],
      [3, 0],
    ],
    8,
  );
  assert.deepEqual(sink.delivered, [8, 7, 6, 5, 3, 2, 1]);
  assert.equal(ledger.inFlightPackets, 3);
  assert.equal(ledger.inFlightBytes, 3_000);
  assert.equal(ledger.newestAcked, 8);
  assert.equal(ledger.oldestInFlight(), 4);
});

test("an ack is applied once", () => {
  const { ledger, ack } = create(10);
  ack([[10, 0]], 10);
  ack([[10, 0]], 10);
  assert.equal(ledger.ackedPackets, 0);
  assert.equal(ledger.inFlightBytes, 0);
});

test("what was forgotten before the ring grew has no send time any more, and its late ack gives no round trip", () => {
  const { ledger, ack, forgetBefore } = create(100);
  ack([[100, 0]], 100);
  forgetBefore(1);
  assert.equal(ledger.oldest, 101);
  assert.ok(ledger.isKnown(100), "settled, but still on record");
  for (let n = 0; n < 1_000; n++) {
    ledger.state[ledger.open()] = IN_FLIGHT;
    ledger.next++;
  }
  assert.ok(!ledger.isKnown(100));
  assert.ok(ledger.isKnown(101));
});

test("the ring grows without losing a record", () => {
  const { ledger, sink, ack } = create(3_000);
  assert.equal(ledger.inFlightPackets, 3_000);
  ack([[3_000, 0]], 3_000);
  assert.equal(sink.delivered.length, 3_000);
  assert.equal(new Set(sink.delivered).size, 3_000);
});

test("on a path that keeps order, two later packets prove a loss", () => {
  const { sink, ack, detect } = create(10);
  ack(
    [
      [1, 1],
      [3, 0],
    ],
    5,
  );
  detect(RTT_US);
  assert.deepEqual(sink.lost, [], "one later packet may be chance");
  ack(
    [
      [2, 1],
      [3, 0],
    ],
    6,
  );
  detect(RTT_US);
  assert.deepEqual(sink.lost, [4]);
});

test("a lone loss before the last packet is found by time", () => {
  const { sink, ack, detect, loss } = create(5);
  ack(
    [
      [1, 1],
      [3, 0],
    ],
    5,
  );
  detect(RTT_US);
  assert.ok(loss.deadline > RTT_US && loss.deadline < 2 * RTT_US);
  detect(loss.deadline);
  assert.deepEqual(sink.lost, [4]);
});

test("a path that acknowledges what was given up gets a window as wide as its reordering", () => {
  const { sink, ack, detect, loss, ledger } = create(10);
  ack(
    [
      [2, 1],
      [3, 0],
    ],
    6,
  );
  detect(RTT_US);
  assert.deepEqual(sink.lost, [4]);
  ack([[6, 0]], 6);
  assert.deepEqual(sink.delivered.slice(-1), [4]);
  detect(RTT_US + 5_000);
  assert.equal(loss.spuriousPackets, 1);
  assert.ok(loss.reorderingUs >= 5_000 && loss.reorderingUs <= RTT_US / 2);
  ack(
    [
      [1, 3],
      [6, 0],
    ],
    10,
  );
  detect(RTT_US + 5_000);
  assert.deepEqual(sink.lost, [4], "packets 7 to 9 get time");
  assert.equal(ledger.inFlightPackets, 3);
});

test("what was given up in a pause, and left after what arrives late, is in flight again", () => {
  const { ledger, sink, adapter, ack } = create(10);
  ack([[2, 0]], 2);
  ledger.loseInFlight(adapter);
  ack([[4, 0]], 4);
  assert.equal(ledger.spuriousPackets, 2);
  assert.equal(ledger.restore(4, adapter), 6);
  assert.deepEqual(sink.restored, [5, 6, 7, 8, 9, 10]);
  assert.deepEqual([ledger.inFlightPackets, ledger.inFlightBytes, ledger.oldestInFlight()], [6, 6_000, 5]);
  ack([[10, 0]], 10);
  assert.deepEqual([ledger.spuriousPackets, ledger.inFlightPackets], [0, 0]);
});

test("a lost packet is remembered for a while and then forgotten", () => {
  const { ledger, sink, ack, detect, forgetBefore } = create(10);
  ack([[6, 4]], 10);
  detect(RTT_US);
  assert.deepEqual(sink.lost, [1, 2, 3, 4]);
  assert.deepEqual(sink.forgotten, sink.delivered);
  forgetBefore(1);
  assert.deepEqual(
    sink.forgotten.toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.equal(ledger.oldest, 11);
});

function create(packets: number) {
  const ledger = new SentLedger();
  const sink = { delivered: [] as number[], lost: [] as number[], restored: [] as number[], forgotten: [] as number[] };
  const adapter: SentSink = {
    delivered: (slot) => sink.delivered.push(slot),
    lost: (slot) => sink.lost.push(slot),
    restored: (slot) => sink.restored.push(slot),
    forget: (slot) => sink.forgotten.push(slot),
  };
  for (let n = 1; n <= packets; n++) {
    const index = ledger.open();
    ledger.state[index] = IN_FLIGHT;
    ledger.slot[index] = n;
    ledger.part[index] = PART_WHOLE;
    ledger.bytes[index] = 1_000;
    ledger.sentAt[index] = 0;
    ledger.inFlightBytes += 1_000;
    ledger.inFlightPackets++;
    ledger.next++;
  }
  const rtt = new RttEstimator();
  rtt.sample(RTT_US, micros(RTT_US));
  const loss = new LossDetector();
  const frame = new AckFrame();
  const ack = (ranges: number[][], largest: number): void => {
    frame.largest = largest;
    frame.rangeCount = ranges.length;
    frame.runs.set(ranges.flat());
    ledger.applyAck(frame, adapter);
  };
  const detect = (now: number): void => loss.onAck(ledger, rtt, adapter, micros(now));
  const forgetBefore = (at: number): void => ledger.advance(micros(at), adapter);
  return { ledger, sink, adapter, ack, detect, loss, forgetBefore };
}
