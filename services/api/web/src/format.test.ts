import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, loss, milliseconds, rateText } from "./format.ts";

test("rates have three digits and a unit", () => {
  assert.deepEqual([0, 999, 2400, 5_560_000, 43_200_000, 943_000_000, 2_500_000_000].map(rateText), [
    "0 bit/s",
    "999 bit/s",
    "2.40 kbit/s",
    "5.56 Mbit/s",
    "43.2 Mbit/s",
    "943 Mbit/s",
    "2.50 Gbit/s",
  ]);
});

test("round trips that are not known are a dash", () => {
  assert.deepEqual([0, 850, 21_400].map(milliseconds), ["–", "0.8 ms", "21 ms"]);
});

test("loss is in per cent, and never rounded to nothing", () => {
  assert.deepEqual([0, 50, 1200, 24_000].map(loss), ["0 %", "< 0.01 %", "0.12 %", "2.4 %"]);
});

test("durations are in the largest fitting units", () => {
  assert.deepEqual([900, 61_000, 3_660_000, 90_000_000].map(duration), ["1 s", "1 min", "1 h 1 min", "1 d 1 h"]);
});
