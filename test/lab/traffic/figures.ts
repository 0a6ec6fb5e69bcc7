/** The value below which `share` (0–1) of the values lie; nearest rank. NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? sorted[0]!;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
