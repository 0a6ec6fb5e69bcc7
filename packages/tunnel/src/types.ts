/**
 * Public shapes of the bonding core. Everything here is data or an interface that the caller implements;
 * the classes are in `bond/`, `path/`, `session/` and `wire/`.
 *
 * The core owns no socket, clock, timer or random source. Time comes in as `now`, bytes come in as offsets into one
 * shared {@link Arena}, and what must leave is polled. See `Bond` for the order in which its outputs are drained.
 */

declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Monotonic microseconds; only differences carry meaning. Never wall-clock time. */
export type Micros = Brand<number, "Micros">;
/** Index of one path within a bond, 0–254. Stable for a link for the life of a session. */
export type PathId = Brand<number, "PathId">;
/** Index of one packet buffer in the {@link PacketPool}; -1 stands for none. */
export type Slot = Brand<number, "Slot">;
/** A key that the {@link Aead} has imported. */
export type KeyHandle = Brand<number, "KeyHandle">;

/**
 * Authenticated encryption, supplied by the caller (OpenSSL through linux-io, or a toy cipher in the simulator).
 * All offsets are into the arena's buffer. The nonce is the 12-byte packet header itself (docs/protocol.md §4), so the
 * header is authenticated without being passed as associated data.
 */
export interface Aead {
  importKey(key: Uint8Array, use: "seal" | "open"): KeyHandle;
  dropKey(key: KeyHandle): void;
  /** Writes ciphertext and 16-byte tag at `outOffset`; input and output must not overlap. Returns `length + 16`. */
  seal(key: KeyHandle, nonceOffset: number, inOffset: number, length: number, outOffset: number): number;
  /** `length` includes the tag. Returns the plaintext's length in bytes, or -1 if the tag does not match. */
  open(key: KeyHandle, nonceOffset: number, inOffset: number, length: number, outOffset: number): number;
}

/** Length of an opaque remote address record that the caller writes into the arena with each datagram. */
export const ADDRESS_BYTES = 64;

export type Algorithm = "round-robin" | "weighted" | "latency-based" | "adaptive" | "redundant";
export type LinkRole = "primary" | "backup" | "metered";
export type TrafficClass = "critical" | "interactive" | "bulk" | "background";

/**
 * Where a field starts that will hold more than 31 bits: a counter of bytes, a sequence number. It counts like 0, but V8 keeps it as a double from the start;
 * a field that has held small integers only makes all code that touches it be thrown away and compiled anew when it outgrows them, 2 GB into a session.
 */
export const DOUBLE_ZERO = -0;

/** Makes a `switch` over a union exhaustive. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value ${String(value)}`);
}

export interface BondOptions {
  readonly role: "client" | "server";
  /** Session number that the peer writes into headers of datagrams for us, u32. */
  readonly localSession: number;
  /** Session number that we write into headers of datagrams for the peer, u32. */
  readonly remoteSession: number;
  /** Seed of the bond's own generator (probe phases, lane hash perturbation), u32. */
  readonly seed: number;
  /** Bound of packets queued for sending in this bond; beyond it the fattest flow loses its head. Default 8192. */
  readonly queuePackets?: number;
  /** Time the acks of inner TCP and QUIC flows, and bound the windows of TCP's by our queue, so that hosts' congestion control can fill several paths. Default true. */
  readonly helpHosts?: boolean;
}

export interface PathOptions {
  /** Link name, for events and statistics only. */
  readonly name: string;
  /** Largest UDP payload that the link's interface takes, bytes; what passes the path is found out by probing. */
  readonly maxDatagramBytes: number;
  /** Opaque remote address, at most ADDRESS_BYTES; absent on a server until the first authenticated datagram. */
  readonly remote?: Uint8Array;
  /** IP and UDP headers of each datagram, bytes: 28 over IPv4 (default), 48 over IPv6. */
  readonly headerBytes?: number;
}

/** What the forwarding plan says of one path. */
export interface PathPlan {
  /** A path that is not enabled is kept alive by probes and carries no inner packets. */
  readonly enabled: boolean;
  readonly role: LinkRole;
  /** Relative share for `weighted`; > 0. */
  readonly weight: number;
  /** Ceiling of what we send on this path in bits per second, counted as IP packets; 0 = none. */
  readonly rateLimitBps: number;
}

/** What the forwarding plan says of the bond as a whole. */
export interface BondPolicy {
  readonly algorithm: Algorithm;
  /** Paths that each packet takes under `redundant`, the first included; 0 = all that are usable. Default 2. */
  readonly copies?: number;
  /** Protect critical packets by forward error correction while the paths lose some. Default true. */
  readonly fec?: boolean;
}

export interface BondPlan extends BondPolicy {
  readonly paths: ReadonlyMap<PathId, PathPlan>;
}

/** Life of one path. `probing`: no answer yet, or not since it stalled. */
export type PathState =
  | { readonly kind: "probing"; readonly since: Micros }
  | { readonly kind: "up"; readonly since: Micros }
  | { readonly kind: "stalled"; readonly since: Micros }
  | { readonly kind: "suspended"; readonly since: Micros };

export type BondEvent =
  | { readonly kind: "path-up"; readonly path: PathId; readonly srttUs: number }
  | { readonly kind: "path-stalled"; readonly path: PathId; readonly inFlightBytes: number }
  | { readonly kind: "path-moved"; readonly path: PathId }
  | { readonly kind: "rekey-due"; readonly epoch: number };

/** Why a datagram was dropped. One counter each. */
export const DROP_REASONS = [
  "truncated",
  "bad-version",
  "unknown-session",
  "unknown-epoch",
  "unauthenticated",
  "replayed",
  "malformed",
  "no-buffer",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** One path as seen by our sender and receiver. Counters only grow. Rates are of the last second or so. */
export interface PathStats {
  readonly id: PathId;
  readonly name: string;
  readonly state: PathState["kind"];
  readonly srttUs: number;
  readonly minRttUs: number;
  readonly rttVarUs: number;
  /** Estimated bottleneck capacity in our sending direction, bits per second of IP packets; 0 = not known yet. */
  readonly capacityBps: number;
  readonly pacingBps: number;
  readonly inFlightBytes: number;
  readonly windowBytes: number;
  readonly txPackets: number;
  /** IP bytes: UDP payload plus IP and UDP headers. */
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly rxBytes: number;
  readonly lostPackets: number;
  /** Lost ÷ sent in our sending direction over the last seconds, parts per million, without what overflowed from a queue that our own packets made. */
  readonly lossPpm: number;
  /** Found lost and sent again on some path. */
  readonly repairedPackets: number;
  /** Parts of `txBytes`: packets sent again; acks; pings, MTU probes and capacity trains. */
  readonly repairedBytes: number;
  readonly txAckBytes: number;
  readonly txProbeBytes: number;
  /** Largest IP packet that is known to pass in our sending direction, bytes. */
  readonly mtuBytes: number;
}

export interface BondStats {
  readonly innerTxPackets: number;
  readonly innerTxBytes: number;
  readonly innerRxPackets: number;
  readonly innerRxBytes: number;
  /** Inner packets dropped by our own queue management. */
  readonly queueDrops: number;
  readonly queuePackets: number;
  readonly queueBytes: number;
  readonly duplicatePackets: number;
  /** Copies sent beside the packets themselves, from spare capacity or under `redundant`; and copies under `redundant` for which no path had room. */
  readonly copiedPackets: number;
  readonly skippedCopies: number;
  /** Datagrams of forward error correction that we sent. */
  readonly parityPackets: number;
  /** Inner packets that forward error correction gave back before a repair did. */
  readonly recoveredPackets: number;
  /** Gaps that were given up at the last-resort deadline. */
  readonly skippedGaps: number;
  readonly resequencingPackets: number;
  readonly drops: Readonly<Record<DropReason, number>>;
}
