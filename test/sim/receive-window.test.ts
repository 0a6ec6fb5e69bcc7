import assert from "node:assert/strict";
import { test } from "node:test";
import { ReceiveWindow } from "./receive-window.ts";

const RTT_US = 40_000;

test("a window opens to twice what comes in a round trip, further while that grows, and never closes", () => {
  const window = new ReceiveWindow(3_000_000);
  assert.equal(window.bytes, 65_536);
  for (const [from, rate] of [0.5, 1, 2, 4].entries()) read(window, from, from + 1, rate);
  read(window, 4, 10, 5);
  assert.ok(window.bytes >= 400_000 && window.bytes < 1_200_000, `${window.bytes} bytes`);
  const before = window.bytes;
  read(window, 10, 20, 5);
  assert.equal(window.bytes, before, "the same rate asks for no more");
  read(window, 20, 24, 10);
  assert.ok(window.bytes >= 1_200_000, `${window.bytes} bytes`);
  const opened = window.bytes;
  read(window, 24, 30, 1);
  assert.equal(window.bytes, opened);
});

test("a window is no larger than the buffer", () => {
  const window = new ReceiveWindow(300_000);
  read(window, 0, 20, 20);
  assert.equal(window.bytes, 300_000);
  assert.equal(new ReceiveWindow(300_000, true).bytes, 300_000, "at once, if it is fixed");
});

/** So many bytes per µs in rounds `from` to `to`. */
function read(window: ReceiveWindow, from: number, to: number, rate: number): void {
  for (let now = from * RTT_US; now < to * RTT_US; now += 1_000) {
    if (now >= RTT_US) window.noteEcho(now - RTT_US + 1, now);
    window.noteRead(1_000 * rate, now);
  }
}
