import { type Path, pathKey, type Statistics } from "./model.ts";

/** Two minutes of telemetry that comes twice a second. */
export const HISTORY_SECONDS = 120;
const SAMPLES_KEPT = HISTORY_SECONDS * 2 + 4;

/** Samples that follow each other faster come from a machine that was late; their rates are over a mere instant. */
const LEAST_INTERVAL_SECONDS = 0.25;

export type Direction = "down" | "up";

/** Rates over the last two minutes, newest last. All series have the length of `times`. */
export interface History {
  /** Unix seconds. */
  readonly times: readonly number[];
  /** Bits per second by path key. */
  readonly down: ReadonlyMap<string, readonly number[]>;
  readonly up: ReadonlyMap<string, readonly number[]>;
}

export const NO_HISTORY: History = { times: [], down: new Map(), up: new Map() };

/** `down` is towards the gateway: what a client receives, and what a server sends. */
export function withSample(history: History, statistics: Statistics, isServer: boolean): History {
  const time = statistics.timeMs / 1000;
  const newest = history.times.at(-1);
  if (newest !== undefined && time < newest + LEAST_INTERVAL_SECONDS) return history;
  const rates = new Map(statistics.paths.map((path) => [pathKey(path), ratesOf(path, isServer)]));
  const grow = (series: ReadonlyMap<string, readonly number[]>, direction: Direction) =>
    new Map(
      [...new Set([...series.keys(), ...rates.keys()])].map((key) => {
        const past = series.get(key) ?? history.times.map(() => 0);
        return [key, [...past, rates.get(key)?.[direction] ?? 0].slice(-SAMPLES_KEPT)];
      }),
    );
  return {
    times: [...history.times, time].slice(-SAMPLES_KEPT),
    down: grow(history.down, "down"),
    up: grow(history.up, "up"),
  };
}

export function ratesOf(path: Path | undefined, isServer: boolean): Readonly<Record<Direction, number>> {
  if (path === undefined) return { down: 0, up: 0 };
  return isServer ? { down: path.txRateBps, up: path.rxRateBps } : { down: path.rxRateBps, up: path.txRateBps };
}

/** 0 = not known. */
export function capacitiesOf(path: Path | undefined, isServer: boolean): Readonly<Record<Direction, number>> {
  if (path === undefined) return { down: 0, up: 0 };
  return isServer
    ? { down: path.capacityBps, up: path.peerCapacityBps }
    : { down: path.peerCapacityBps, up: path.capacityBps };
}
