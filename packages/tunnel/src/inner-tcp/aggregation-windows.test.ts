import assert from "node:assert/strict";
import { test } from "node:test";
import { AggregationWindows } from "./aggregation-windows.ts";

const ROUND_US = 100_000;
const FLIGHT_BYTES = 100_000;
/** Sequence numbers pass zero on the way. */
const SEQUENCE = 0xffff_0000;

test("five rounds make a window, and a round ends with the ack of more than had been sent when it began", () => {
  const windows = new AggregationWindows(SEQUENCE);
  let sent = SEQUENCE + FLIGHT_BYTES;
  const changes: number[] = [];
  for (let round = 1; round <= 21; round++) {
    for (let acks = 1; acks <= 10; acks++) {
      const acknowledgement = sent - FLIGHT_BYTES + FLIGHT_BYTES / 10;
      const before = windows.windowOf(SEQUENCE);
      assert.ok(windows.windowOf(acknowledgement) - before <= 1);
      windows.noteAck(acknowledgement, sent, round * ROUND_US + acks);
      if (windows.windowOf(SEQUENCE) > before) changes.push(round);
      sent += FLIGHT_BYTES / 10;
    }
  }
  assert.deepEqual(changes, [5, 10, 15, 20]);
});

test("the first ack of a window is known before it goes", () => {
  const windows = new AggregationWindows(SEQUENCE);
  let sent = SEQUENCE;
  for (let round = 1; round <= 4; round++) {
    windows.noteAck(sent + 1, sent + FLIGHT_BYTES, round * ROUND_US);
    sent += FLIGHT_BYTES;
  }
  assert.equal(windows.windowOf(sent), 0, "the last of the round");
  assert.equal(windows.windowOf(sent + 1), 1);
  assert.equal(windows.windowOf(sent), 0, "to ask changes nothing");
});

test("what comes in right after a round's first ack may have left before it: an ack of no more than that begins no round, but may", () => {
  const windows = new AggregationWindows(SEQUENCE);
  let sent = SEQUENCE;
  for (let round = 1; round <= 4; round++) {
    windows.noteAck(sent + 1, sent + FLIGHT_BYTES, round * ROUND_US);
    windows.noteData(sent + FLIGHT_BYTES + 5_000, round * ROUND_US + 300);
    windows.noteData(sent + 2 * FLIGHT_BYTES, (round + 0.5) * ROUND_US);
    sent += FLIGHT_BYTES + 5_000;
  }
  assert.equal(windows.windowOf(sent - 1_000), 1);
  windows.noteAck(sent - 1_000, sent + FLIGHT_BYTES, 5 * ROUND_US);
  assert.equal(windows.windowOf(SEQUENCE), 0);
  windows.noteAck(sent + 1, sent + FLIGHT_BYTES, 5 * ROUND_US + 100);
  assert.equal(windows.windowOf(SEQUENCE), 1);
});
