import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { Shutdown } from "./shutdown.ts";

const log = { error() {} } as unknown as Logger;

test("actions run in reverse order, also after one has failed", async () => {
  const order: string[] = [];
  const shutdown = new Shutdown();
  for (const name of ["first", "second", "third"]) {
    shutdown.add(async () => {
      order.push(name);
      if (name === "second") throw new Error("on purpose");
    });
  }
  assert.equal(await shutdown.run(log), false);
  assert.deepEqual(order, ["third", "second", "first"]);
  assert.equal(await shutdown.run(log), true, "a second run has nothing to do");
});

test("an action that does not end is left behind after its limit", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const shutdown = new Shutdown();
  let ended = false;
  shutdown.add(() => {
    ended = true;
  });
  shutdown.add(() => new Promise(() => {}));
  const running = shutdown.run(log);
  t.mock.timers.tick(3000);
  assert.deepEqual([await running, ended], [false, true]);
});

test("a metric's name begins with edgebos_", () => {
  const metrics = new Metrics({});
  assert.throws(() => metrics.gauge("rate_bps", "A rate"), /begin with edgebos_/);
});
