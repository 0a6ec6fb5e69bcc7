import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER_LIMIT_MS, Liveness, PING_INTERVAL_MS } from "./liveness.ts";

const STEP_MS = 100;

test("a silent connection is dead an answer limit after its first unanswered ping", () => {
  const liveness = new Liveness(0);
  let now = 0;
  let pings = 0;
  for (;;) {
    now += STEP_MS;
    const step = liveness.poll(now);
    if (step.kind === "dead") break;
    if (step.kind === "ping") pings++;
  }
  assert.equal(now, PING_INTERVAL_MS + ANSWER_LIMIT_MS);
  assert.equal(pings, 2);
});

test("a connection that answers lives and is asked once per interval", () => {
  const liveness = new Liveness(0);
  let pings = 0;
  for (let now = STEP_MS; now <= 60_000; now += STEP_MS) {
    const step = liveness.poll(now);
    assert.notEqual(step.kind, "dead");
    if (step.kind === "ping") {
      pings++;
      liveness.heard();
    }
  }
  assert.equal(pings, 60_000 / PING_INTERVAL_MS);
});
