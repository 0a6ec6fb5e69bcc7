import { readFileSync } from "node:fs";

/** Bytes that one delivery opportunity carries: a 1,500-byte IP packet and the 4 bytes of a TUN header. */
export const OPPORTUNITY_BYTES = 1504;
/** What a frame counts for in a trace: its IP packet and 4 bytes, not the 14 of Ethernet. */
export const FRAME_TO_TRACE_BYTES = 4 - 14;

/** A recorded capacity. At its end it begins again. */
export interface Trace {
  /** Milliseconds from the beginning, ascending; a stamp that stands twice is two opportunities. */
  readonly stampsMs: Uint32Array;
  readonly periodMs: number;
}

export function loadTrace(path: string): Trace {
  return parseTrace(readFileSync(path, "utf8"), path);
}

/** @throws Error if a line is no number, stamps descend or none stands there. */
export function parseTrace(text: string, origin: string): Trace {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const stampsMs = Uint32Array.from(lines, (line, index) => {
    const stamp = Number(line);
    if (!Number.isInteger(stamp) || stamp < 0) throw new Error(`${origin}:${index + 1}: "${line}" is no millisecond`);
    return stamp;
  });
  const periodMs = stampsMs.at(-1) ?? 0;
  if (periodMs === 0) throw new Error(`${origin}: a trace needs a last stamp above 0`);
  for (let i = 1; i < stampsMs.length; i++) {
    if (stampsMs[i]! < stampsMs[i - 1]!) throw new Error(`${origin}:${i + 1}: stamps must ascend`);
  }
  return { stampsMs, periodMs };
}

export function meanRateBps(trace: Trace): number {
  return (trace.stampsMs.length * OPPORTUNITY_BYTES * 8 * 1000) / trace.periodMs;
}

/** Bytes that a trace offers in the first `durationMs` of its (repeating) life. */
export function offeredBytes(trace: Trace, durationMs: number): number {
  const whole = Math.floor(durationMs / trace.periodMs);
  const rest = durationMs - whole * trace.periodMs;
  const inRest = trace.stampsMs.filter((stamp) => stamp <= rest).length;
  return (whole * trace.stampsMs.length + inRest) * OPPORTUNITY_BYTES;
}

/** Walks through a trace's opportunities in time. */
export class TraceCursor {
  readonly #trace: Trace;
  readonly #startUs: number;
  #index = 0;
  #rounds = 0;

  constructor(trace: Trace, startUs: number) {
    this.#trace = trace;
    this.#startUs = startUs;
  }

  /** Time of the present opportunity. */
  timeUs(): number {
    return this.#startUs + (this.#rounds * this.#trace.periodMs + this.#trace.stampsMs[this.#index]!) * 1000;
  }

  advance(): void {
    if (++this.#index < this.#trace.stampsMs.length) return;
    this.#index = 0;
    this.#rounds++;
  }
}
