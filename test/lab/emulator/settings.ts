/** Gilbert–Elliott loss: a good state without loss and a bad one, both changed per packet. */
export interface BurstLoss {
  /** Probability per packet of going from good to bad. */
  readonly enterRatio: number;
  /** Probability per packet of going from bad to good; 1 ÷ mean burst length in packets. */
  readonly leaveRatio: number;
  /** Loss while bad. */
  readonly lossRatio: number;
}

/** Some packets come late and are overtaken. */
export interface Reordering {
  readonly ratio: number;
  readonly extraDelayMs: number;
}

/** What one direction of an emulated link does to Ethernet frames. Everything can be changed at run time. */
export interface DirectionSettings {
  /** Bits per second, counted in Ethernet frames (14 bytes and the IP packet); 0 = unlimited. Ignored with a trace. */
  readonly rateBps: number;
  /** File of delivery opportunities, one millisecond stamp per line; empty = none. See {@link loadTrace}. */
  readonly tracePath: string;
  /** Queue in front of the bottleneck, in milliseconds at full rate (with a trace: at its mean rate). Tail drop. */
  readonly queueMs: number;
  /** One way, added behind the bottleneck. */
  readonly delayMs: number;
  /** Uniform in ± this; a frame never overtakes the one before it. */
  readonly jitterMs: number;
  /** Random loss behind the bottleneck: the frame has used its share of the rate, as on a radio. */
  readonly lossRatio: number;
  readonly burstLoss: BurstLoss | null;
  readonly reordering: Reordering | null;
  /** Larger IP packets vanish silently, as where a tunnel on the way is narrower than it says; 0 = all pass. */
  readonly mtuBytes: number;
  /** Silent black hole: every frame is swallowed, those under way too; the carrier stays up. */
  readonly cut: boolean;
}

/** A wire: no limit, no delay, no loss. */
export const WIRE: DirectionSettings = {
  rateBps: 0,
  tracePath: "",
  queueMs: 100,
  delayMs: 0,
  jitterMs: 0,
  lossRatio: 0,
  burstLoss: null,
  reordering: null,
  mtuBytes: 0,
  cut: false,
};

/** `up` is from the client to the server. */
export type DirectionName = "up" | "down";

/** One emulated link: two TAP devices, created by the emulator, and what happens between them. */
export interface EmulatedLink {
  readonly clientDevice: string;
  readonly serverDevice: string;
  readonly up: DirectionSettings;
  readonly down: DirectionSettings;
}

/** What the emulator process is started with. */
export interface EmulatorOptions {
  readonly links: readonly EmulatedLink[];
  /** Unix socket for {@link EmulatorRequest}s, one JSON object per line; one line of answer each. */
  readonly socketPath: string;
  readonly seed: number;
}

export type EmulatorRequest =
  | {
      readonly kind: "set";
      readonly link: number;
      readonly directions: readonly DirectionName[];
      readonly set: Partial<DirectionSettings>;
    }
  | { readonly kind: "counters" };

export type EmulatorAnswer =
  | { readonly kind: "done" }
  | { readonly kind: "counters"; readonly links: readonly Record<DirectionName, DirectionCounters>[] }
  | { readonly kind: "error"; readonly message: string };

/** Fate of frames in one direction; they only grow. The order is that of the shared counters. */
export const COUNTERS = [
  "framesIn",
  "bytesIn",
  "framesOut",
  "bytesOut",
  "queueDrops",
  "randomDrops",
  "cutDrops",
  "mtuDrops",
  "deviceDrops",
  /** What a trace's opportunities have offered, used or not; 0 without a trace. */
  "offeredBytes",
] as const;
export type DirectionCounters = Readonly<Record<(typeof COUNTERS)[number], number>>;
