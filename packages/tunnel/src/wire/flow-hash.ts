/** The two addresses of an inner packet without extension headers, folded into 32 bits; the same in both directions. */
export function foldAddresses(view: DataView, offset: number, isV4: boolean): number {
  if (isV4) return Math.imul(view.getInt32(offset + 12) ^ view.getInt32(offset + 16), 0x9e37_79b1);
  let fold = 0;
  for (let i = 8; i < 24; i += 4)
    fold = Math.imul(fold ^ view.getInt32(offset + i) ^ view.getInt32(offset + i + 16), 0x9e37_79b1);
  return fold;
}
