/**
 * Lane header, the first 8 bytes of a DATA plaintext. Normative text: docs/protocol.md §5.
 *   0 lane u8 | 1 flags u8 | 2 sequence u32 | 6 age u16, units of 100 µs
 */
export const LANE_HEADER = { LANE: 0, FLAGS: 1, SEQUENCE: 2, AGE: 6, LENGTH: 8 } as const;

/** Body of a VOID: how many sequence numbers, from the header's on, the sender gave up. */
export const VOID_BODY = { COUNT: 0, LENGTH: 2 } as const;

// From the specification.
export const FLAG_CHECKSUM_PARTIAL = 0x01;
export const FLAG_VOID = 0x02;
export const FLAG_UNORDERED = 0x04;
export const FLAG_FIRST_HALF = 0x08;
export const FLAG_LAST_HALF = 0x10;
export const FLAG_PROTECTED = 0x20;
export const FLAG_HALVES = FLAG_FIRST_HALF | FLAG_LAST_HALF;
/** Number of lanes, and of values of the lane field. */
export const LANES = 256;
const AGE_UNIT_US = 100;

export function writeLaneHeader(
  view: DataView,
  offset: number,
  lane: number,
  flags: number,
  sequence: number,
  ageUs: number,
): void {
  view.setUint8(offset + LANE_HEADER.LANE, lane);
  view.setUint8(offset + LANE_HEADER.FLAGS, flags);
  view.setUint32(offset + LANE_HEADER.SEQUENCE, sequence);
  view.setUint16(offset + LANE_HEADER.AGE, Math.min(65_535, ageUs / AGE_UNIT_US) | 0);
}
