import assert from "node:assert/strict";
import { test } from "node:test";
import { duration, milliseconds, percent, rate, size, table } from "./format.ts";

test("figures have three digits and a unit", () => {
  assert.deepEqual([0, 999, 12_340, 123_400_000, 2.5e9].map(rate), [
    "0",
    "999 bit/s",
    "12.3 kbit/s",
    "123 Mbit/s",
    "2.50 Gbit/s",
  ]);
  assert.deepEqual([0, 512, 1_400_000_000].map(size), ["0", "512 B", "1.40 GB"]);
  assert.deepEqual([0, 1_234, 45_200, 812_000].map(milliseconds), ["-", "1.23 ms", "45.2 ms", "812 ms"]);
  assert.deepEqual([0, 50, 5_000, 250_000].map(percent), ["0 %", "<0.01 %", "0.50 %", "25.0 %"]);
});

test("durations have two units", () => {
  assert.deepEqual([-5, 59_000, 61_000, 7_380_000, 90_000_000].map(duration), [
    "0 s",
    "59 s",
    "1 min 1 s",
    "2 h 3 min",
    "1 d 1 h",
  ]);
});

test("tables have columns as wide as their widest cell, and no blanks at the end of a line", () => {
  assert.equal(
    table(
      ["A", "LONG"],
      [
        ["abc", "x"],
        ["", "yy"],
      ],
    ),
    "A    LONG\nabc  x\n     yy\n",
  );
});
