import assert from "node:assert/strict";
import { test } from "node:test";
import { DropLog } from "./drop-log.ts";

test("nothing is said while nothing is refused, and of a shortage of buffers", () => {
  const { lines, log } = recorded();
  log.update({ replayed: 0, truncated: 0 }, 0);
  log.update({ replayed: 0, "no-buffer": 7 }, 500);
  assert.deepEqual(lines, []);
});

test("the first refusal is told at once, with its reasons", () => {
  const { lines, log } = recorded();
  log.update({ replayed: 3, truncated: 1, malformed: 0 }, 500);
  assert.deepEqual(lines, ["datagrams refused: 1 truncated, 3 replayed"]);
});

test("a flood costs one line a minute, with the sum of what came meanwhile", () => {
  const { lines, log } = recorded();
  for (let second = 0; second <= 60; second++) log.update({ unauthenticated: 10 + second }, second * 1000);
  assert.deepEqual(lines, ["datagrams refused: 10 unauthenticated", "datagrams refused: 60 unauthenticated"]);
});

function recorded() {
  const lines: string[] = [];
  return { lines, log: new DropLog((text) => lines.push(text)) };
}
