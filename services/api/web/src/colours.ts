/** Told apart by most people with impaired colour vision, on light and dark ground alike. */
const PALETTE = ["#3f8cff", "#14b39b", "#f0a020", "#a779f2", "#ef6aa0", "#7bb52c", "#27b5d6", "#e8744a"] as const;

/** Colour of the n-th link, the same in the list, the picture and the chart. */
export function colourOf(index: number): string {
  return PALETTE[index % PALETTE.length]!;
}
