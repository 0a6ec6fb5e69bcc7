/** Makes a tree of plain objects and arrays read-only, and returns it. */
export function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === "object") Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
