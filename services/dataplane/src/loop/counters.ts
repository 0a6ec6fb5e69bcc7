/** Counters of the forwarding loop, in memory that the main thread reads while the loop writes. They only grow. */

import { DROP_REASONS } from "@edgebos/tunnel";

/** Why an inner packet was dropped at the edge of the tunnel, outside of any bond. */
export const EDGE_DROP_REASONS = [
  /** From the TUN device: longer than a packet buffer. */
  "oversized",
  /** From the TUN device: not an IP packet. */
  "malformed-inner",
  /** From the TUN device: no session to send it to (server: no client has this address). */
  "no-session",
  /** From the TUN device: all packet buffers are in use. */
  "no-packet-buffer",
  /** To the TUN device: not from an inner address of the client (server). */
  "spoofed-source",
  /** To the TUN device: refused by the kernel. */
  "tun-refused",
  /** To a link: the socket's buffer is full. */
  "send-blocked",
  /** To a link: the kernel has no way out. */
  "send-failed",
] as const;
export type EdgeDropReason = (typeof EDGE_DROP_REASONS)[number];

const WORK = [
  "iterations",
  "tun-reads",
  "tun-packets-in",
  "tun-packets-out",
  "udp-receives",
  "udp-datagrams-in",
  "udp-sends",
  "udp-datagrams-out",
  /** Runs that the interface refused as too long; what was in them goes out again. */
  "udp-runs-refused",
  /** The loop left a stage with work left in it. */
  "tun-budget-exhausted",
  "udp-budget-exhausted",
  "transmit-budget-exhausted",
] as const;
export type WorkCounter = (typeof WORK)[number];

const NAMES = [
  ...WORK,
  ...EDGE_DROP_REASONS.map((reason) => `edge:${reason}`),
  ...DROP_REASONS.map((reason) => `drop:${reason}`),
];

/** Index of the counter of DROP_REASONS[0]; the others follow. */
export const FIRST_DROP = NAMES.length - DROP_REASONS.length;

/** Indices of counters, so that the hot path does not look names up. */
export const WORK_INDEX = Object.fromEntries(WORK.map((name, i) => [name, i])) as Readonly<Record<WorkCounter, number>>;
export const EDGE_INDEX = Object.fromEntries(
  EDGE_DROP_REASONS.map((reason, i) => [reason, WORK.length + i]),
) as Readonly<Record<EdgeDropReason, number>>;

export function createCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer(NAMES.length * Float64Array.BYTES_PER_ELEMENT);
}

/** A view for people: one value per name. */
export function readCounters(memory: SharedArrayBuffer): {
  readonly work: Readonly<Record<WorkCounter, number>>;
  readonly edgeDrops: Readonly<Record<EdgeDropReason, number>>;
  readonly drops: Readonly<Record<string, number>>;
} {
  const values = new Float64Array(memory);
  return {
    work: mapValues(WORK_INDEX, (index) => values[index]!),
    edgeDrops: mapValues(EDGE_INDEX, (index) => values[index]!),
    drops: Object.fromEntries(DROP_REASONS.map((reason, i) => [reason, values[FIRST_DROP + i]!])),
  };
}

function mapValues<K extends string>(
  indices: Readonly<Record<K, number>>,
  of: (index: number) => number,
): Record<K, number> {
  return Object.fromEntries(Object.entries<number>(indices).map(([name, index]) => [name, of(index)])) as Record<
    K,
    number
  >;
}
