import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "./backoff.ts";

test("waiting grows by half up to the limit, and starts again after a reset", () => {
  const backoff = new Backoff(100, 300);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => backoff.next()),
    [100, 150, 225, 300, 300],
  );
  backoff.reset();
  assert.equal(backoff.next(), 100);
});
