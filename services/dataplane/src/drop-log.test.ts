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

test("a flood costs a few lines, then one a minute with the sum of what came meanwhile", () => {
  const { lines, log } = recorded();
  for (let second = 0; second <= 120; second++) log.update({ unauthenticated: 10 + second }, second * 1000);
  assert.equal(lines.length, 7);
  assert.equal(lines[0], "datagrams refused: 10 unauthenticated");
  assert.match(lines.at(-1)!, /refused: 60 unauthenticated/);
});

test("no refusal is left out of the sum", () => {
  const { lines, log } = recorded();
  for (let second = 0; second <= 600; second++) log.update({ replayed: 3 * second }, second * 1000);
  const told = lines.map((line) => Number(/(\d+) replayed/.exec(line)?.[1])).reduce((sum, count) => sum + count, 0);
  assert.ok(told > 3 * 540 && told <= 3 * 600, `${told}`);
});

function recorded() {
  const lines: string[] = [];
  return { lines, log: new DropLog((text) => lines.push(text)) };
}
