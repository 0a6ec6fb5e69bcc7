/** The few shapes of ASN.1 DER (X.690) that an X.509 certificate needs. Each function returns one complete element. */

export function sequence(...elements: Uint8Array[]): Uint8Array {
  return element(0x30, Buffer.concat(elements));
}

export function set(...elements: Uint8Array[]): Uint8Array {
  return element(0x31, Buffer.concat(elements));
}

/** A non-negative integer from its bytes, most significant first. */
export function integer(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? Buffer.of(0) : bytes.subarray(start);
  return element(0x02, digits[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

export function boolean(value: boolean): Uint8Array {
  return element(0x01, Buffer.of(value ? 0xff : 0));
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return element(0x04, bytes);
}

/** `unusedBits` of the last byte do not count. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return element(0x03, Buffer.concat([Buffer.of(unusedBits), bytes]));
}

export function utf8String(text: string): Uint8Array {
  return element(0x0c, Buffer.from(text, "utf8"));
}

/** An object identifier in dotted form. */
export function oid(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  return element(0x06, Buffer.from([first! * 40 + second!, ...rest.flatMap(base128)]));
}

/** UTCTime until 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5). */
export function time(date: Date): Uint8Array {
  const digits = `${date.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`;
  const year = date.getUTCFullYear();
  return year >= 1950 && year < 2050
    ? element(0x17, Buffer.from(digits.slice(2), "ascii"))
    : element(0x18, Buffer.from(digits, "ascii"));
}

/** `[tag] EXPLICIT`: wraps whole elements. */
export function explicit(tag: number, ...elements: Uint8Array[]): Uint8Array {
  return element(0xa0 | tag, Buffer.concat(elements));
}

/** `[tag] IMPLICIT` of a primitive type: the bytes are its contents. */
export function implicit(tag: number, contents: Uint8Array): Uint8Array {
  return element(0x80 | tag, contents);
}

function element(tag: number, contents: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(tag), length(contents.length), contents]);
}

function length(bytes: number): Uint8Array {
  if (bytes < 0x80) return Buffer.of(bytes);
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  return Buffer.from([0x80 | digits.length, ...digits]);
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f));
  return digits;
}
