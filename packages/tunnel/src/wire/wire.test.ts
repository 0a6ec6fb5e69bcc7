import assert from "node:assert/strict";
import { test } from "node:test";
import { readU24, readU48, writeU24, writeU48 } from "./bytes.ts";
import { DATA_HEADER, epochOf, KIND_FRAMES, kindOf, VERSION, versionOf, writeDataHeader } from "./data-header.ts";
import { ACK_FRAME, AckFrame, writeAckFrame, writePathStatusFrame } from "./frames.ts";
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
  const ack = new AckFrame();
  const length = ack.decode(view, 10, 200);
  assert.equal(length, ACK_FRAME.LENGTH + 2 * ACK_FRAME.RANGE_LENGTH);
  const { path, largest, delayUs, receivedAt, bytesReceived, rangeCount, rangesOffset } = ack;
  assert.deepEqual(
    { path, largest, delayUs, receivedAt, bytesReceived, rangeCount, rangesOffset },
    {
      path: 3,
      largest: 2 ** 40 + 5,
      delayUs: 0xff_ffff,
      receivedAt: 2 ** 33,
      bytesReceived: 2 ** 35,
      rangeCount: 2,
      rangesOffset: 10 + ACK_FRAME.LENGTH,
    },
  );
});

test("an ACK that is cut short is refused at every length", () => {
  writeAckFrame(view, 0, 3, 9, 0, 0, 0, 2);
  const ack = new AckFrame();
  for (let limit = 0; limit < ACK_FRAME.LENGTH + 8; limit++) assert.equal(ack.decode(view, 0, limit), 0);
});

test("a path status is three octets", () => {
  assert.equal(writePathStatusFrame(view, 0, 9, 1), 3);
  assert.deepEqual(octets(0, 3), [3, 9, 1]);
});
