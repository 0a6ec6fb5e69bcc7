import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { adjustChecksum } from "../wire/checksum.ts";
import type { Lane } from "./lane.ts";

/** A queue may stand this long … */
const TARGET_MIN_US = 25_000;
/** … or this many round trips of the bond: CUBIC needs one to keep all paths busy after a drop, and BBR, which heeds none, keeps about as much. */
const TARGET_ROUND_TRIPS = 1.5;
/** A host that is kept back by its window has credit for so many round trips, … */
const CREDIT_ROUND_TRIPS = 1;
/** … and its queue is longer only because the capacity has fallen. It drains without a drop, unless it is this many times longer than others may be. */
const CREDIT_PATIENCE = 4;
const INTERVAL_MIN_US = 100_000;
/** What all paths together let in may stand so long after one of them is lost. Handovers and modems that reconnect are back by then. */
const GRACE_US = 10_000_000;
/** A queue of fewer packets is never cut. */
const PACKETS_MIN = 4;
/** A flow that ignores drops and marks may fill its queue with this much time at its share of the capacity, and no more. */
const BACKLOG_MAX_US = 1_000_000;
const BACKLOG_MIN_BYTES = 64_000;
/** If the capacity falls while much is queued, what has waited for this long, on top of the round trip, is of no use to anybody. */
const SOJOURN_MAX_US = 2 * BACKLOG_MAX_US;
const SOJOURN_GAIN = 1 / 32;
/** Whether a queue shrinks is asked this often, as a share of the interval. */
const TREND_SHARE = 1 / 4;

// RFC 3168.
const ECT_MASK = 3;
const NOT_ECT = 0;
const CE = 3;

export type Verdict = "keep" | "mark" | "drop";

/**
 * CoDel (RFC 8289) for a bonded link. Target and interval are not constants: a flow that fills several paths needs a backlog as deep as
 * the slow paths are late, plus one round trip; more is delay without use. And a queue that shrinks is let be: it is what a pause of the process or of a link
 * left behind, and a flow that keeps its rate whatever is dropped (UDP) would only lose packets that the bond can carry.
 */
export class QueueManagement {
  /** Round trip over the slowest path in use, without queues. */
  referenceUs = 50_000;
  /** Smallest round trip of any path in use. */
  quickestUs = Number.POSITIVE_INFINITY;
  /** Round trip under load of the path where it is shortest, see `RoundTrips`. */
  loadedUs = 0.5;
  /** One-way delay of the quickest path without queue, on the scale of `Path.delayUs`. */
  quickestDelayUs = 0.5;
  /** Share of the bond's capacity on paths that are about as quick as the quickest, see `PathSet.nearShare`. */
  nearShare = 1.5;
  /** Time that the backlog needs which feeds the slowest path in order. */
  leadUs = 0.5;
  /** What the bond can carry, bytes per µs. */
  capacity = 1.5;
  /** Bytes that may stand in the queue until `#graceUntil`, if they are more than the target says. */
  #graceBytes = 0;
  #graceUntil = Number.NEGATIVE_INFINITY;
  readonly #pool: PacketPool;

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** Bytes that a lane with this share of the capacity may queue. */
  backlogMax(share: number): number {
    return Math.max(BACKLOG_MIN_BYTES, this.capacity * share * (BACKLOG_MAX_US + this.referenceUs + this.leadUs));
  }

  /** Bytes of a lane with this share of the capacity that keep every path busy, those on their way from a host `hostUs` away included. */
  creditBytes(share: number, hostUs: number): number {
    const targetUs = Math.max(TARGET_MIN_US, CREDIT_ROUND_TRIPS * this.referenceUs) + this.leadUs;
    return this.capacity * share * (targetUs + hostUs);
  }

  /** Whether a packet has waited for so long that it only keeps newer ones from being of use. */
  isStale(slot: Slot, now: Micros): boolean {
    return now - this.#pool.enteredAt[slot]! > SOJOURN_MAX_US + this.referenceUs + this.leadUs;
  }

  /**
   * A path is lost with so much in flight. The flows had sent no more than was asked of them, and a drop on top of the pause would cost them a round trip over a queue
   * that takes longer to pass: what was in order so far may wait, until it is stale.
   */
  handlePathLoss(inFlightBytes: number, now: Micros): void {
    this.#graceBytes = this.#targetUs(now) * this.capacity + inFlightBytes;
    this.#graceUntil = now + GRACE_US;
  }

  #targetUs(now: Micros): number {
    const targetUs = Math.max(TARGET_MIN_US, TARGET_ROUND_TRIPS * this.referenceUs) + this.leadUs;
    return now < this.#graceUntil ? Math.max(targetUs, this.#graceBytes / this.capacity) : targetUs;
  }

  /** Judges the packet at the lane's head, which is about to be sent. */
  judge(lane: Lane, slot: Slot, now: Micros): Verdict {
    const sojournUs = now - this.#pool.enteredAt[slot]!;
    lane.sojournUs += (sojournUs - lane.sojournUs) * SOJOURN_GAIN;
    const targetUs = this.#targetUs(now) * (lane.isCredited ? CREDIT_PATIENCE : 1);
    const isLong = lane.packets >= PACKETS_MIN;
    if (isLong && this.isStale(slot, now)) return "drop";
    if (!isLong || sojournUs < targetUs) {
      lane.isAbove = false;
      lane.isDropping = false;
      return "keep";
    }
    const intervalUs = Math.max(INTERVAL_MIN_US, this.referenceUs + targetUs);
    if (!lane.isAbove) {
      lane.isAbove = true;
      lane.aboveSince = now + intervalUs / 2;
      lane.trendSojournUs = lane.sojournUs;
      lane.trendAt = now;
    }
    if (now >= lane.trendAt) noteTrend(lane, (now + intervalUs * TREND_SHARE) as Micros);
    if (now < lane.aboveSince) return "keep";
    if (!lane.isDropping) this.#beginDropping(lane, intervalUs, now);
    if (now < lane.dropNextAt || lane.isShrinking) return "keep";
    lane.dropNextAt = now + intervalUs / Math.sqrt(lane.dropCount);
    lane.dropCount++;
    return this.#markCongestion(slot) ? "mark" : "drop";
  }

  #beginDropping(lane: Lane, intervalUs: number, now: Micros): void {
    const isRecent = lane.dropCount > 2 && now - lane.dropNextAt < 8 * intervalUs;
    lane.isDropping = true;
    lane.dropCount = isRecent ? lane.dropCount - 2 : 1;
    lane.dropNextAt = now;
  }

  /** Sets CE on a packet of an ECN-capable transport. */
  #markCongestion(slot: Slot): boolean {
    const { bytes, view } = this.#pool.arena;
    const offset = this.#pool.packetOffset(slot);
    if (bytes[offset]! >>> 4 === 6) {
      const ecn = (bytes[offset + 1]! >>> 4) & ECT_MASK;
      if (ecn === NOT_ECT) return false;
      bytes[offset + 1]! |= CE << 4;
      return true;
    }
    const tos = bytes[offset + 1]!;
    if ((tos & ECT_MASK) === NOT_ECT) return false;
    bytes[offset + 1] = tos | CE;
    adjustChecksum(view, offset + 10, tos, tos | CE);
    return true;
  }
}

function noteTrend(lane: Lane, nextAt: Micros): void {
  lane.isShrinking = lane.sojournUs < lane.trendSojournUs;
  lane.trendSojournUs = lane.sojournUs;
  lane.trendAt = nextAt;
}
