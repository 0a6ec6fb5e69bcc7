import assert from "node:assert/strict";
import { test } from "node:test";
import { Arena } from "./arena.ts";

test("regions do not overlap and start at their alignment", () => {
  const arena = new Arena(1_000);
  const first = arena.reserve(10);
  const second = arena.reserve(10, 16);
  assert.equal(first % 64, 0);
  assert.equal(second % 16, 0);
  assert.ok(second >= first + 10);
});

test("a region that does not fit is refused with what to do", () => {
  const arena = new Arena(100);
  assert.throws(() => arena.reserve(101), { name: "TunnelError", code: "arena-full", message: /larger Arena/ });
});
