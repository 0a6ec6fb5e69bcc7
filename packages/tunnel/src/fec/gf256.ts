/**
 * Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1, the field of RFC 8681 §3.7 and RFC 5510 §8.1. Addition is exclusive or; α = 2
 * generates all 255 elements but 0.
 */
const POLYNOMIAL = 0x11d;
/** α to this power is 1. */
export const ORDER = 255;

const POWERS = new Uint8Array(ORDER);
const LOGARITHMS = new Uint8Array(256);
/** Product of every pair: the row of a factor is one lookup per byte. */
const PRODUCTS = new Uint8Array(65_536);

for (let exponent = 0, value = 1; exponent < ORDER; exponent++) {
  POWERS[exponent] = value;
  LOGARITHMS[value] = exponent;
  value = value << 1;
  if (value > 0xff) value ^= POLYNOMIAL;
}
for (let a = 1; a < 256; a++) {
  for (let b = 1; b < 256; b++) PRODUCTS[a * 256 + b] = POWERS[(LOGARITHMS[a]! + LOGARITHMS[b]!) % ORDER]!;
}

/** α to the power of a whole number ≥ 0. */
export function power(exponent: number): number {
  return POWERS[exponent % ORDER]!;
}

export function multiply(a: number, b: number): number {
  return PRODUCTS[a * 256 + b]!;
}

/** The inverse of an element that is not 0. */
export function invert(a: number): number {
  return POWERS[(ORDER - LOGARITHMS[a]!) % ORDER]!;
}

/** Adds `factor` times the input's bytes to those of `out`. */
export function addScaled(
  out: Uint8Array,
  outOffset: number,
  input: Uint8Array,
  inOffset: number,
  length: number,
  factor: number,
): void {
  const row = factor * 256;
  for (let i = 0; i < length; i++) out[outOffset + i]! ^= PRODUCTS[row + input[inOffset + i]!]!;
}

/** Multiplies bytes in place. */
export function scale(bytes: Uint8Array, offset: number, length: number, factor: number): void {
  const row = factor * 256;
  for (let i = offset; i < offset + length; i++) bytes[i] = PRODUCTS[row + bytes[i]!]!;
}
