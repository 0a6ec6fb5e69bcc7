const TWO_TO_32 = 4_294_967_296;

/** 48 bits are exact in a JS number: no BigInt on the data path. */
export function readU48(view: DataView, offset: number): number {
  return view.getUint16(offset) * TWO_TO_32 + view.getUint32(offset + 2);
}

/** What goes to a view is made a small integer first: code that is not fully optimised would allocate a number object for anything else. */
export function writeU48(view: DataView, offset: number, value: number): void {
  view.setUint16(offset, (value / TWO_TO_32) | 0);
  view.setInt32(offset + 2, value | 0);
}

export function readU24(view: DataView, offset: number): number {
  return view.getUint8(offset) * 65_536 + view.getUint16(offset + 1);
}

export function writeU24(view: DataView, offset: number, value: number): void {
  view.setUint8(offset, value >>> 16);
  view.setUint16(offset + 1, value & 0xffff);
}
