/** Numbers as people read them: three digits at most, and a unit. */

export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

/** Bits per second. */
export function rate(bps: number): Quantity {
  if (bps < 1e3) return { value: String(Math.round(bps)), unit: "bit/s" };
  if (bps < 1e6) return { value: digits(bps / 1e3), unit: "kbit/s" };
  if (bps < 1e9) return { value: digits(bps / 1e6), unit: "Mbit/s" };
  return { value: digits(bps / 1e9), unit: "Gbit/s" };
}

export function rateText(bps: number): string {
  const { value, unit } = rate(bps);
  return `${value} ${unit}`;
}

/** Zero stands for "not known". */
export function milliseconds(us: number): string {
  return us === 0 ? "–" : `${us < 10_000 ? (us / 1000).toFixed(1) : Math.round(us / 1000)} ms`;
}

/** Parts per million as per cent. */
export function loss(ppm: number): string {
  if (ppm === 0) return "0 %";
  if (ppm < 100) return "< 0.01 %";
  const percent = ppm / 1e4;
  return `${percent < 1 ? percent.toFixed(2) : percent.toFixed(1)} %`;
}

export function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1048576)} MiB`;
}

/** How long ago or for how long, in the largest fitting unit. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** Local time of day; with the date if it is not of today. */
export function clock(ms: number, nowMs: number): string {
  const time = new Date(ms);
  const hours = time.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  if (time.toDateString() === new Date(nowMs).toDateString()) return hours;
  return `${time.toLocaleDateString(undefined, { day: "numeric", month: "short" })} ${hours}`;
}

function digits(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : String(Math.round(value));
}
