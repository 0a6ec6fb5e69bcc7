/**
 * PARITY plaintext: fixed part, `COUNT` sources, then the coded symbol up to the end. Normative text: docs/protocol.md §9.
 *   0 key u8 | 1 count u8 | per source: 0 index u8, 1 lane u8, 2 flags u8, 3 sequence u32
 */
export const PARITY = { KEY: 0, COUNT: 1, SOURCES: 2 } as const;
export const PARITY_SOURCE = { INDEX: 0, LANE: 1, FLAGS: 2, SEQUENCE: 3, LENGTH: 7 } as const;
/** A source symbol: length of the inner packet u16, the inner packet, zeros. */
export const SOURCE_SYMBOL = { LENGTH: 0, PACKET: 2 } as const;

// From the specification.
/** Longest inner packet that is protected: a PARITY over it, with all its sources, fits into any path's datagram. */
export const PROTECTED_MAX_BYTES = 1_000;
export const SYMBOL_MAX_BYTES = SOURCE_SYMBOL.PACKET + PROTECTED_MAX_BYTES;
/** Sources that one PARITY may cover. */
export const PARITY_SOURCES_MAX = 16;

export function writeParitySource(
  view: DataView,
  offset: number,
  index: number,
  lane: number,
  flags: number,
  sequence: number,
): void {
  view.setUint8(offset + PARITY_SOURCE.INDEX, index);
  view.setUint8(offset + PARITY_SOURCE.LANE, lane);
  view.setUint8(offset + PARITY_SOURCE.FLAGS, flags);
  view.setUint32(offset + PARITY_SOURCE.SEQUENCE, sequence);
}
