import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { goneWithin, identify, isAlive, signal } from "../instance/process-identity.ts";
import { restartPause } from "./supervised.ts";

test("the first restart is at once, further ones wait longer each time, up to two seconds", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 50].map(restartPause), [0, 125, 250, 500, 1000, 2000, 2000, 2000]);
});

test("a process is told from a later one with the same number", async () => {
  const child = spawn("sleep", ["60"]);
  const identity = identify(child.pid!)!;
  assert.equal(isAlive(identity), true);
  const later = { ...identity, startTicks: identity.startTicks + 1 };
  assert.equal(isAlive(later), false);
  signal(later, "SIGKILL");
  assert.equal(isAlive(identity), true, "a signal for another process does not reach it");
  const gone = once(child, "exit");
  signal(identity, "SIGTERM");
  assert.equal(await goneWithin(identity, 5000), true);
  await gone;
  assert.equal(identify(child.pid!), undefined);
});
