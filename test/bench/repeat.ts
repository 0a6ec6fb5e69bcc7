import { median } from "../lab/traffic/figures.ts";

/** Measures A and B in turn, `runs` times each, so that what the machine does meanwhile hits both. */
export async function interleave<T>(
  runs: number,
  measureA: () => Promise<T>,
  measureB: () => Promise<T>,
): Promise<{ readonly a: readonly T[]; readonly b: readonly T[] }> {
  const a: T[] = [];
  const b: T[] = [];
  for (let i = 0; i < runs; i++) {
    a.push(await measureA());
    b.push(await measureB());
  }
  return { a, b };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** `median [lowest–highest]`. */
export function spread(values: readonly number[], digits = 2): string {
  if (values.length === 0) return "–";
  if (values.length === 1) return values[0]!.toFixed(digits);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} [${low.toFixed(digits)}–${high.toFixed(digits)}]`;
}
