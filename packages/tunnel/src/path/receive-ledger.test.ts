import assert from "node:assert/strict";
import { test } from "node:test";
import { micros, pathId } from "../test-support.ts";
import { AckFrame } from "../wire/frames.ts";
import { ACK_RANGES_MAX, REPLAY_WINDOW, ReceiveLedger } from "./receive-ledger.ts";

test("a packet number is fresh once", () => {
  const ledger = new ReceiveLedger();
  for (const n of [1, 5, 3, 64, 33]) {
    assert.ok(ledger.isFresh(n));
    ledger.note(n, 100, true, micros(n));
    assert.equal(ledger.isFresh(n), false);
  }
  assert.ok(ledger.isFresh(2));
  assert.equal(ledger.isFresh(0), false);
});

test("the window moves with the largest number, also over more than its own width", () => {
  const ledger = new ReceiveLedger();
  note(ledger, 10);
  note(ledger, 10 + REPLAY_WINDOW);
  assert.equal(ledger.isFresh(10), false);
  assert.ok(ledger.isFresh(11));
  note(ledger, 1_000_000);
  assert.ok(ledger.isFresh(999_999));
  assert.equal(ledger.isFresh(1_000_000 - REPLAY_WINDOW), false);
  assert.ok(ledger.isFresh(1_000_001 - REPLAY_WINDOW));
});

test("an ack names what arrived and what is missing, from the largest downwards", () => {
  const ledger = new ReceiveLedger();
  for (let n = 1; n <= 100; n++) if (n !== 50 && n !== 98) note(ledger, n);
  const { ack, ranges } = ackOf(ledger, 130);
  assert.equal(ack.largest, 100);
  assert.equal(ack.delayUs, 30);
  assert.equal(ack.bytesReceived, 98 * 1_000);
  assert.deepEqual(ranges, [
    [2, 1],
    [47, 1],
    [49, 0],
  ]);
});

test("an ack names exactly what arrived, whatever the pattern, also across 2^32", () => {
  const first = 2 ** 32 - 777;
  for (const lossPeriod of [3, 7, 31, 32, 33, 64, 100, 257]) {
    const ledger = new ReceiveLedger();
    const isLost = (n: number): boolean => n % lossPeriod === 0 || (n >>> 6) % lossPeriod === 5;
    for (let n = first; n <= first + 1_000; n++) if (!isLost(n)) note(ledger, n);
    const { ack, ranges } = ackOf(ledger, first + 1_001);
    let n = ack.largest;
    for (const [received, missing] of ranges) {
      for (const end = n - received!; n > end; n--) assert.equal(isLost(n), false, `${n} of period ${lossPeriod}`);
      for (const end = n - missing!; n > end && n >= first; n--) assert.ok(isLost(n), `${n} of period ${lossPeriod}`);
    }
  }
});

test("an ack is bounded, however many holes there are", () => {
  const ledger = new ReceiveLedger();
  for (let n = 1; n <= 1_000; n += 2) note(ledger, n);
  assert.equal(ackOf(ledger, 1_000).ranges.length, ACK_RANGES_MAX);
});

test("an ack is due soon after a few full packets, at once after a gap, and later for a lone packet", () => {
  const ledger = new ReceiveLedger();
  assert.equal(ledger.ackDueAt(), Number.POSITIVE_INFINITY);
  ledger.note(1, 1_500, true, micros(10_000));
  const loneUs = ledger.ackDueAt() - 10_000;
  assert.ok(loneUs >= 3_000 && loneUs <= 25_000);
  ledger.note(2, 1_500, true, micros(10_100));
  ledger.note(3, 1_500, true, micros(10_200));
  assert.ok(ledger.ackDueAt() <= 11_200);
  ledger.noteAckSent(micros(11_000));
  ledger.note(5, 1_500, true, micros(12_000));
  assert.equal(ledger.ackDueAt(), 12_000);
});

test("acks over a slow path are spaced by its rate, up to 10 ms", () => {
  for (const [carrierRate, leastUs, mostUs] of [
    [1.25, 1_000, 1_000],
    [0.25, 3_000, 5_000],
    [0.01, 10_000, 10_000],
  ] as const) {
    const ledger = new ReceiveLedger();
    ledger.carrierRate = carrierRate;
    ledger.noteAckSent(micros(10_000));
    for (let n = 1; n <= 3; n++) ledger.note(n, 1_500, true, micros(10_000 + n));
    const spacingUs = ledger.ackDueAt() - 10_000;
    assert.ok(spacingUs >= leastUs && spacingUs <= mostUs, `${spacingUs} µs at ${8 * carrierRate} Mbit/s`);
  }
});

test("an ack may leave before it is due with half of what makes it due, but not twice as often", () => {
  const ledger = new ReceiveLedger();
  assert.equal(ledger.isAckRipe(micros(1_000)), false);
  ledger.note(1, 1_500, true, micros(10_000));
  assert.equal(ledger.isAckRipe(micros(10_000)), false);
  ledger.note(2, 1_500, true, micros(10_100));
  assert.equal(ledger.isAckRipe(micros(10_100)), true);
  ledger.noteAckSent(micros(10_100));
  ledger.note(4, 1_500, true, micros(10_200));
  assert.equal(ledger.isAckRipe(micros(10_200)), false, "the last one has just left");
  assert.equal(ledger.isAckRipe(micros(10_700)), true, "a gap is worth an ack soon");
});

test("what does not elicit an ack asks for none", () => {
  const ledger = new ReceiveLedger();
  ledger.note(1, 80, false, micros(1));
  ledger.note(7, 80, false, micros(2));
  assert.equal(ledger.ackDueAt(), Number.POSITIVE_INFINITY);
  ledger.demandAck(micros(3));
  assert.equal(ledger.ackDueAt(), 3);
});

function note(ledger: ReceiveLedger, packetNumber: number): void {
  ledger.note(packetNumber, 1_000, true, micros(packetNumber));
}

function ackOf(ledger: ReceiveLedger, now: number): { ack: AckFrame; ranges: number[][] } {
  const view = new DataView(new ArrayBuffer(1_000));
  const length = ledger.writeAck(view, 0, pathId(1), micros(now));
  const ack = new AckFrame();
  assert.equal(ack.decode(view, 0, length), length);
  const ranges = Array.from({ length: ack.rangeCount }, (_, i) => [...ack.runs.subarray(2 * i, 2 * i + 2)]);
  return { ack, ranges };
}
