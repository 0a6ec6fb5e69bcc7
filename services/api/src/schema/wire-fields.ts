/** One field of an encoded protobuf message: a number for varints, bytes for everything that has a length. */
export interface WireField {
  readonly number: number;
  readonly value: number | Uint8Array;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * Splits an encoded message into its fields, without knowing its type. Enough for `FileDescriptorSet`, which uses varints
 * below 2^53 and length-delimited fields; fixed-width fields are skipped. Throws RangeError on malformed input.
 */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  const cursor = { bytes, offset: 0 };
  while (cursor.offset < bytes.length) {
    const tag = varint(cursor);
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case VARINT:
        yield { number, value: varint(cursor) };
        break;
      case LENGTH_DELIMITED:
        yield { number, value: take(cursor, varint(cursor)) };
        break;
      case FIXED64:
        take(cursor, 8);
        break;
      case FIXED32:
        take(cursor, 4);
        break;
      default:
        throw new RangeError(`unknown protobuf wire type ${tag % 8} at byte ${cursor.offset}`);
    }
  }
}

/** The numbers of a packed repeated varint field. */
export function packedVarints(bytes: Uint8Array): number[] {
  const cursor = { bytes, offset: 0 };
  const numbers: number[] = [];
  while (cursor.offset < bytes.length) numbers.push(varint(cursor));
  return numbers;
}

interface Cursor {
  readonly bytes: Uint8Array;
  offset: number;
}

function varint(cursor: Cursor): number {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = cursor.bytes[cursor.offset++];
    if (byte === undefined) throw new RangeError("protobuf varint is cut off");
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 128;
  }
}

function take(cursor: Cursor, length: number): Uint8Array {
  const end = cursor.offset + length;
  if (end > cursor.bytes.length) throw new RangeError("protobuf field is cut off");
  const taken = cursor.bytes.subarray(cursor.offset, end);
  cursor.offset = end;
  return taken;
}
