import assert from "node:assert/strict";
import { test } from "node:test";
import { AggregationWindows } from "./aggregation-windows.ts";

const FLIGHT_BYTES = 100_000;
/** Sequence numbers and timestamps pass zero on the way. */
const SEQUENCE = 0xffff_0000;
const TIMESTAMP = 0xffff_fff0;

test("five rounds make a window, and a round begins with the ack of more than had been sent when the last one began", () => {
  const windows = new AggregationWindows(SEQUENCE);
  let sent = SEQUENCE + FLIGHT_BYTES;
  const changes: number[] = [];
  for (let round = 1; round <= 21; round++) {
    for (let acks = 1; acks <= 10; acks++) {
      const acknowledgement = sent - FLIGHT_BYTES + FLIGHT_BYTES / 10;
      const before = windows.windowOf(SEQUENCE);
      windows.noteAck(acknowledgement, sent, 0, false);
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
    windows.noteAck(sent + 1, sent + FLIGHT_BYTES, 0, false);
    sent += FLIGHT_BYTES;
  }
  assert.equal(windows.windowOf(sent), 0, "the last of the round");
  assert.equal(windows.windowOf(sent + 1), 1);
  assert.equal(windows.windowOf(sent), 0, "to ask changes nothing");
});

test("what a host sends before it has a round's first ack belongs to the round, however far away the host is", () => {
  const windows = new AggregationWindows(SEQUENCE);
  windows.noteAck(SEQUENCE + 1, SEQUENCE + FLIGHT_BYTES, TIMESTAMP + 20, true);
  windows.noteData(SEQUENCE + FLIGHT_BYTES + 5_000, TIMESTAMP + 19);
  windows.noteData(SEQUENCE + FLIGHT_BYTES + 9_000, (TIMESTAMP + 20) >>> 0);
  windows.noteData(SEQUENCE + FLIGHT_BYTES + 10_000, TIMESTAMP + 19);
  assert.equal(windows.beginsRound(SEQUENCE + FLIGHT_BYTES + 5_000), false);
  assert.equal(windows.beginsRound(SEQUENCE + FLIGHT_BYTES + 5_001), true);
});
