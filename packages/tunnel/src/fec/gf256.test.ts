import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { addScaled, invert, multiply, ORDER, power, scale } from "./gf256.ts";

const element = fc.integer({ min: 0, max: 255 });
const unit = fc.integer({ min: 1, max: 255 });

test("the product is that of polynomials modulo x^8 + x^4 + x^3 + x^2 + 1", () => {
  fc.assert(fc.property(element, element, (a, b) => assert.equal(multiply(a, b), carrylessProduct(a, b))));
});

test("elements form a field", () => {
  fc.assert(
    fc.property(element, element, unit, (a, b, c) => {
      assert.equal(multiply(a, b), multiply(b, a));
      assert.equal(multiply(multiply(a, b), c), multiply(a, multiply(b, c)));
      assert.equal(multiply(a ^ b, c), multiply(a, c) ^ multiply(b, c));
      assert.equal(multiply(c, invert(c)), 1);
    }),
  );
});

test("the powers of α are all elements but 0", () => {
  const powers = new Set(Array.from({ length: ORDER }, (_, exponent) => power(exponent)));
  assert.equal(powers.size, 255);
  assert.ok(!powers.has(0));
  assert.equal(power(ORDER), 1);
  assert.equal(power(1), 2);
});

test("bytes are added and scaled one by one, within the given range", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 40 }), element, (bytes, factor) => {
      const out = new Uint8Array(bytes.length).fill(7);
      addScaled(out, 1, bytes, 2, bytes.length - 3, factor);
      const expected = out.map((_, i) => (i === 0 || i > bytes.length - 3 ? 7 : 7 ^ multiply(bytes[i + 1]!, factor)));
      assert.deepEqual(out, expected);
      const scaled = bytes.slice();
      scale(scaled, 1, bytes.length - 2, factor);
      assert.deepEqual(
        scaled,
        bytes.map((byte, i) => (i === 0 || i === bytes.length - 1 ? byte : multiply(byte, factor))),
      );
    }),
  );
});

function carrylessProduct(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) if ((b & (1 << bit)) !== 0) product ^= a << bit;
  for (let bit = 14; bit >= 8; bit--) if ((product & (1 << bit)) !== 0) product ^= 0x11d << (bit - 8);
  return product;
}
