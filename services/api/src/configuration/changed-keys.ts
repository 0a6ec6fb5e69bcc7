import { RESTART_KEYS } from "@edgebos/service";

/** Dotted keys whose values differ; a list counts as one value. */
export function changedKeys(before: object, after: object, prefix = ""): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => {
    const [old, fresh] = [entry(before, key), entry(after, key)];
    if (isSection(old) && isSection(fresh)) return changedKeys(old, fresh, `${prefix}${key}.`);
    return JSON.stringify(old) === JSON.stringify(fresh) ? [] : [prefix + key];
  });
}

/** Those of `keys` whose change takes effect only after a restart. */
export function needingRestart(keys: readonly string[]): string[] {
  return keys.filter((key) => RESTART_KEYS.some((start) => key === start || key.startsWith(`${start}.`)));
}

function entry(section: object, key: string): unknown {
  return (section as Readonly<Record<string, unknown>>)[key];
}

function isSection(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
