import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { groupMax, isLossy, parityCount } from "./strength.ts";

const lossPpm = fc.integer({ min: 0, max: 1_000_000 });

test("no loss, no protection; one packet in a thousand is loss", () => {
  assert.equal(isLossy(0), false);
  assert.equal(isLossy(1_000), true);
});

test("2 % loss asks for one parity for six packets at most, 8 % for two for each", () => {
  assert.equal(groupMax(20_000), 6);
  assert.equal(parityCount(20_000, 20_000), 1);
  assert.equal(groupMax(80_000), 1);
  assert.equal(parityCount(80_000, 80_000), 2);
});

test("more loss never means less parity, and parity has a bound", () => {
  fc.assert(
    fc.property(lossPpm, lossPpm, lossPpm, (a, b, other) => {
      const [less, more] = a < b ? [a, b] : [b, a];
      assert.ok(groupMax(less) >= groupMax(more) && groupMax(more) >= 1 && groupMax(less) <= 8);
      assert.ok(parityCount(less, other) <= parityCount(more, other));
      assert.ok(parityCount(other, less) <= parityCount(other, more));
      assert.ok(parityCount(more, other) >= 1 && parityCount(more, other) <= 3);
    }),
  );
});
