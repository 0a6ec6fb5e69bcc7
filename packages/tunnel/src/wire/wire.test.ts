import assert from "node:assert/strict";
import { test } from "node:test";
import { readU24, readU48, writeU24, writeU48 } from "./bytes.ts";
import { DATA_HEADER, epochOf, KIND_FRAMES, kindOf, VERSION, versionOf, writeDataHeader } from "./data-header.ts";
import { ACK_FRAME, AckFrame, writeAckFrame, writePathStatusFrame, writeRun } from "./frames.ts";
import { LANE_HEADER, writeLaneHeader } from "./lane-header.ts";

const view = new DataView(new ArrayBuffer(256));
const octets = (from: number, length: number): number[] => [...new Uint8Array(view.buffer, from, length)];

test("48-bit and 24-bit numbers are big-endian and exact to their last value", () => {
  for (const value of [0, 1, 0xffff_ffff, 0x1_0000_0000, 2 ** 48 - 1]) {
    writeU48(view, 3, value);
    assert.equal(readU48(view, 3), value);
  }
  writeU24(view, 0, 0x01_0203);
  assert.deepEqual(octets(0, 3), [1, 2, 3]);
  assert.equal(readU24(view, 0), 0x01_0203);
});

test("a data header stands on the wire as docs/protocol.md §3 draws it", () => {
  writeDataHeader(view, 0, 6, KIND_FRAMES, 7, 0xfedc_ba98, 0x0102_0304_0506);
  assert.deepEqual(octets(0, DATA_HEADER.LENGTH), [0x62, 7, 0xfe, 0xdc, 0xba, 0x98, 1, 2, 3, 4, 5, 6]);
  assert.equal(versionOf(0x62), VERSION);
  assert.equal(epochOf(0x62), 2);
  assert.equal(kindOf(0x62), KIND_FRAMES);
});

test("a lane header stands on the wire as docs/protocol.md §5 draws it, and its age saturates", () => {
  writeLaneHeader(view, 0, 200, 5, 0x0a0b_0c0d, 12_345);
  assert.deepEqual(octets(0, LANE_HEADER.LENGTH), [200, 5, 10, 11, 12, 13, 0, 123]);
  writeLaneHeader(view, 0, 200, 5, 1, 60e6);
  assert.deepEqual(octets(LANE_HEADER.AGE, 2), [255, 255]);
});

test("an ACK is decoded to what was encoded", () => {
  writeAckFrame(view, 10, 3, 2 ** 40 + 5, 20e6, 2 ** 33, 2 ** 35, 2);
  const end = writeRuns(10 + ACK_FRAME.LENGTH, [127, 1, 128, 4_096]);
  const ack = new AckFrame();
  assert.equal(ack.decode(view, 10, 200), end - 10);
  const { path, largest, delayUs, receivedAt, bytesReceived, rangeCount } = ack;
  assert.deepEqual(
    { path, largest, delayUs, receivedAt, bytesReceived, rangeCount },
    {
      path: 3,
      largest: 2 ** 40 + 5,
      delayUs: 0xff_ffff,
      receivedAt: 2 ** 33,
      bytesReceived: 2 ** 35,
      rangeCount: 2,
    },
  );
  assert.deepEqual([...ack.runs.subarray(0, 4)], [127, 1, 128, 4_096]);
});

test("a run of packet numbers is one octet up to 127, and two with the top bit set beyond", () => {
  assert.equal(writeRuns(0, [0, 127, 128, 0x7fff]), 6);
  assert.deepEqual(octets(0, 6), [0, 127, 0x80, 128, 0xff, 0xff]);
});

test("an ACK covers the packet numbers of its ranges", () => {
  writeAckFrame(view, 0, 0, 1_000, 0, 0, 0, 2);
  const ack = new AckFrame();
  assert.ok(ack.decode(view, 0, writeRuns(ACK_FRAME.LENGTH, [1, 2, 300, 0])) > 0);
  const covered = [1_001, 1_000, 999, 998, 997, 698, 697].map((packetNumber) => ack.acknowledges(packetNumber));
  assert.deepEqual(covered, [false, true, false, false, true, true, false]);
});

test("an ACK that is cut short is refused at every length", () => {
  writeAckFrame(view, 0, 3, 3_000, 0, 0, 0, 2);
  const end = writeRuns(ACK_FRAME.LENGTH, [1, 200, 300, 4]);
  const ack = new AckFrame();
  for (let limit = 0; limit < end; limit++) assert.equal(ack.decode(view, 0, limit), 0);
  assert.equal(ack.decode(view, 0, end), end);
});

test("a path status is three octets", () => {
  assert.equal(writePathStatusFrame(view, 0, 9, 1), 3);
  assert.deepEqual(octets(0, 3), [3, 9, 1]);
});

/** Returns where they end. */
function writeRuns(offset: number, lengths: readonly number[]): number {
  let at = offset;
  for (const length of lengths) at += writeRun(view, at, length);
  return at;
}
