/** Text of tables and figures for a person. */

/** Left-aligned columns, two spaces between them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return [head, ...rows].map((row) => `${line(row)}\n`).join("");
}

/** `12.3 Mbit/s` */
export function rate(bps: number): string {
  if (bps <= 0) return "0";
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(bps) / 3));
  return `${threeDigits(bps / 1000 ** step)} ${units[step]}`;
}

/** `1.4 GB` */
export function size(bytes: number): string {
  if (bytes <= 0) return "0";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${threeDigits(bytes / 1000 ** step)} ${units[step]}`;
}

/** `45.2 ms`; a dash for what is not known. */
export function milliseconds(microseconds: number): string {
  return microseconds <= 0 ? "-" : `${threeDigits(microseconds / 1000)} ms`;
}

/** Parts per million as `0.5 %`. */
export function percent(ppm: number): string {
  return ppm <= 0 ? "0 %" : ppm < 100 ? "<0.01 %" : `${threeDigits(ppm / 10_000)} %`;
}

/** `2 h 3 min` */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
