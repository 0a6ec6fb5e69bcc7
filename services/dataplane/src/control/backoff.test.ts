import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "./backoff.ts";

test("waiting grows by a quarter up to the limit, and starts again after a reset", () => {
  const backoff = new Backoff(100, 180);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => backoff.next()),
    [100, 125, 156.25, 180, 180],
  );
  backoff.reset();
  assert.equal(backoff.next(), 100);
});
