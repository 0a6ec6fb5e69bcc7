import type { Random } from "./random.ts";

const STEP_MS = 20;
const PACKET_BITS = 1_504 * 8;
/** A sector's rate wanders by about its mean within a second … */
const WANDER_PER_ROOT_SECOND = 1;
/** … between nothing and this many times the mean. */
const RATE_MAX = 2.5;
/** Outages, for example at a handover: their mean distance and their longest duration. */
const OUTAGE_EVERY_MS = 3_000;
const OUTAGE_MAX_MS = 400;

/**
 * Delivery opportunities of a cellular link: a Poisson process whose rate is in Brownian motion, with outages (after K. Winstein et al., "Stochastic
 * Forecasts Achieve High Throughput and Low Delay over Cellular Networks", NSDI 2013, §3.1). Milliseconds, ascending.
 */
export function createTrace(random: Random, meanMbit: number, seconds: number): Float64Array {
  const meanPerMs = (meanMbit * 1_000) / PACKET_BITS;
  const wander = meanPerMs * WANDER_PER_ROOT_SECOND * Math.sqrt(STEP_MS / 1_000);
  const stamps: number[] = [];
  let perMs = meanPerMs;
  let outUntilMs = 0;
  for (let ms = 0; ms < seconds * 1_000; ms++) {
    if (ms % STEP_MS === 0) {
      perMs = Math.min(RATE_MAX * meanPerMs, Math.max(0, perMs + wander * normal(random)));
      if (random.chance(STEP_MS / OUTAGE_EVERY_MS)) outUntilMs = ms + random.between(0, OUTAGE_MAX_MS);
    }
    if (ms < outUntilMs) continue;
    const packets = Math.floor(perMs) + (random.chance(perMs % 1) ? 1 : 0);
    for (let i = 0; i < packets; i++) stamps.push(ms);
  }
  stamps.push(seconds * 1_000);
  return Float64Array.from(stamps);
}

/** Mean rate of a trace in Mbit/s. */
export function traceMbit(trace: Float64Array): number {
  return (trace.length * PACKET_BITS) / (trace.at(-1)! * 1_000);
}

/** Longest time that a number of packets may take, µs, wherever in the trace they begin. */
export function longestServiceUs(trace: Float64Array, packets: number): number {
  const periodMs = trace.at(-1)!;
  let longestMs = 0;
  for (let i = 0; i < trace.length; i++) {
    const end = i + packets;
    const endMs = trace[end % trace.length]! + Math.floor(end / trace.length) * periodMs;
    longestMs = Math.max(longestMs, endMs - trace[i]!);
  }
  return longestMs * 1_000;
}

/** Standard normal by Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
