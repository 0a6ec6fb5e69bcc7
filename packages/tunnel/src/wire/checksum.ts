/** Corrects the Internet checksum at `at` for a 16-bit field it covers that changes from `before` to `after`. RFC 1624: HC' = ~(~HC + ~m + m'). */
export function adjustChecksum(view: DataView, at: number, before: number, after: number): void {
  let sum = (~view.getUint16(at) & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(at, ~sum & 0xffff);
}
