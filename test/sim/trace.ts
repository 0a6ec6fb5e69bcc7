import type { Random } from "./random.ts";

const STEP_MS = 20;
const PACKET_BITS = 1_504 * 8;
/** A sector's rate wanders by about its mean within a second … */
const WANDER_PER_ROOT_SECOND = 1;
/** … between nothing and this many times the mean. */
const RATE_MAX = 2.5;
/** Mean length of an outage once the rate has reached zero; a second in the source, less here for the sake of the bounds on pauses. */
const OUTAGE_SECONDS = 0.15;

/**
 * Delivery opportunities of a cellular link: a Poisson process whose rate is in Brownian motion and sticks at zero for a while (K. Winstein et al.,
 * "Stochastic Forecasts Achieve High Throughput and Low Delay over Cellular Networks", NSDI 2013, §3.1). Milliseconds, ascending.
 */
export function createTrace(random: Random, meanMbit: number, seconds: number): Float64Array {
  const meanPerMs = (meanMbit * 1_000) / PACKET_BITS;
  const wander = meanPerMs * WANDER_PER_ROOT_SECOND * Math.sqrt(STEP_MS / 1_000);
  const stamps: number[] = [];
  let perMs = meanPerMs;
  for (let ms = 0; ms < seconds * 1_000; ms++) {
    if (ms % STEP_MS === 0) perMs = nextRate(random, perMs, wander, meanPerMs);
    const whole = Math.floor(perMs);
    const packets = whole + (random.chance(perMs - whole) ? 1 : 0);
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

function nextRate(random: Random, perMs: number, wander: number, meanPerMs: number): number {
  const isOut = perMs === 0;
  if (isOut && !random.chance(STEP_MS / 1_000 / OUTAGE_SECONDS)) return 0;
  const next = (isOut ? meanPerMs / 4 : perMs) + wander * normal(random);
  return Math.min(RATE_MAX * meanPerMs, Math.max(0, next));
}

/** Standard normal by Box and Muller. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
