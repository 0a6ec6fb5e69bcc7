import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { LANES } from "../wire/lane-header.ts";
import { isWithinReach } from "./ack-pulse.ts";
import { FlowWatch } from "./flow-watch.ts";
import { FLOOR_SHARE, type RoundTrips } from "./handshake-hold.ts";
import { ACKS_PER_ROUND, SPACING_MIN_US } from "./host-rounds.ts";
import { HELD_MAX, ShapedFlow } from "./shaped-flow.ts";
import { distance, TcpPacket } from "./tcp-packet.ts";

/** Acks of a flow's first flight (RFC 6928 §2) are not spaced: HyStart begins at a window of 16 packets, short flows end here. */
const FIRST_FLIGHT_BYTES = 14_600;
/** Up to here a flow does not load a path enough for its jitter to show; simulated, a floor for longer costs CUBIC more than it brings BBR. */
const START_BYTES = 64_000;
/** A flow is big, and its round trip gets a floor, from this much on. */
const BIG_BYTES = 256_000;
/** A flow without data for this long starts anew; its lane may be taken over by another. */
const IDLE_US = 1_000_000;
/** Up to so many of the smallest round trip, STARTUP's own window spans the bond. */
const BUNCH_ROUND_TRIPS = 2.6;
/** A bond that is near to this share is left to a flow as it is: more would cost its round trip more than it brings. */
const NEAR_SHARE = 0.88;
/**
 * Slow start may end when our own queue exceeds half of the lead by a round trip, but by no more than this: the sender needs another round to notice, in which its
 * window doubles, and then fills every path. Over paths of 640 ms a whole round trip more meant 18 MB and hundreds of drops.
 */
const EXIT_QUEUE_MAX_US = 100_000;
const EXIT_LEAD_SHARE = 0.5;
/** Repair and jitter may raise a flow's round trip to this many times the bond's. */
const REFERENCE_SPAN = 3;
/** Largest inner packet that can be a plain ack. */
const ACK_BYTES_MAX = 120;
/** Acks that wait for the floor go in so many groups at most, or the memory for held ones would run out and let them go early. */
const FLOOR_GRAINS = HELD_MAX / 2;

/** What the shaper needs to know of the bond. */
export interface BondDelays extends RoundTrips {
  /** Round trip over the slowest path in use, without queues. */
  readonly referenceUs: number;
  /** Smallest round trip of any path in use: what the host's handshake may have taken. */
  readonly quickestUs: number;
  /** Share of the bond's capacity that a window sized by the quickest round trip can use. */
  readonly nearShare: number;
  /** What the bond carries, bytes per µs. Not the lane's share of it, which is small at a flow's start: by that, a bunch would begin too early. */
  readonly capacity: number;
  /** What those paths carry of the lane, bytes per µs. */
  nearRate(lane: number): number;
  /** Backlog, as time, that feeds the slowest path in order. */
  readonly leadUs: number;
  /** Smoothed time that packets of the lane spend in our queue. */
  sojournUs(lane: number): number;
  /** The lane's host sees no round trip below this. */
  noteFloor(lane: number, floorUs: number): void;
}

/**
 * Helps the congestion control of hosts whose TCP crosses the bond, without ending the connection. Three effects, all on acks on their way to the sending host:
 *
 * - thinning: CUBIC's HyStart leaves slow start when acks come as a train, or when the round trip of a round with eight acks grows; repair and a second path always
 *   look like that. With at most five acks per round the host goes on until our own queue is deep enough to fill every path.
 * - bunch: BBR sizes its window by the quickest path's round trip, and where the others are much slower, its STARTUP never sees what they carry, see
 *   {@link StartupBunch}.
 * - floor: BBR takes the quickest path's round trip for the whole bond's and sizes its window by it. From the moment a host is known to pace, or to measure (its
 *   flight is next to nothing), no ack is handed over before 0.7 to 1 of the bond's loaded round trip after its data came in. What the host had measured before
 *   expires after ten seconds; until then pauses of its acks widen its window, see {@link AckPulse}. And no ack of a flow's start is handed over before 0.7 of what the
 *   quickest path takes under load: jitter would show BBR a minimum that the flow itself never sees again.
 *
 * Acks of other hosts are shaped only in slow start. Data is never held, and whatever carries news besides an acknowledgement passes untouched.
 */
export class AckShaper {
  readonly #pool: PacketPool;
  readonly #delays: BondDelays;
  readonly #packet = new TcpPacket();
  readonly #flows: (ShapedFlow | undefined)[] = new Array<ShapedFlow | undefined>(LANES).fill(undefined);
  /** Flows with acks held. */
  readonly #active: ShapedFlow[] = [];

  /** Held acks of the flow that was judged last are at least this far apart. */
  #grainUs = 0.5;

  constructor(pool: PacketPool, delays: BondDelays) {
    this.#pool = pool;
    this.#delays = delays;
  }

  /** Notes a TCP packet that comes in from the host. */
  noteData(lane: number, packet: TcpPacket, now: Micros): void {
    if (packet.payloadBytes === 0) return;
    let shaped = this.#flows[lane];
    if (shaped === undefined || (shaped.watch.flow !== packet.flow && now - shaped.watch.lastDataAt > IDLE_US)) {
      if (shaped !== undefined && shaped.count > 0) return;
      shaped = new ShapedFlow(lane, new FlowWatch(packet.flow, packet.sequence));
      this.#flows[lane] = shaped;
      this.#delays.noteFloor(lane, 0);
    }
    if (shaped.watch.flow !== packet.flow) return;
    if (shaped.watch.bytes > 0 && now - shaped.watch.lastDataAt > IDLE_US) shaped.restart(now);
    shaped.watch.noteData(packet.endSequence, packet.payloadBytes, now);
    shaped.pacing.noteData(packet.payloadBytes, now);
    shaped.drain.noteData(packet.payloadBytes, now);
    shaped.startup.noteData(shaped.watch.endSequence, now);
    shaped.hasTimestamps = packet.hasTimestamps;
    shaped.windows.noteData(packet.endSequence, packet.echo);
  }

  /** Takes a packet on its way to the host if it is an ack that has to wait. Returns false if the packet goes on at once. */
  hold(slot: Slot, now: Micros): boolean {
    const pool = this.#pool;
    const shaped = this.#flows[pool.lane[slot]!];
    if (shaped === undefined || pool.length[slot]! > ACK_BYTES_MAX) return false;
    const packet = this.#packet;
    if (!packet.read(pool.arena.view, pool.packetOffset(slot), pool.length[slot]!)) return false;
    if (packet.reverseFlow !== shaped.watch.flow) return false;
    if (!packet.isPlainAck) {
      shaped.isFlushing = shaped.count > 0;
      return shaped.isFlushing && this.#queue(shaped, slot, now);
    }
    const dueAt = this.#dueAt(shaped, packet.acknowledgement, now);
    const last = shaped.lastSlot();
    const isMerged = shaped.lastDueAt >= dueAt || dueAt - shaped.mergedSince < this.#grainUs;
    if (last >= 0 && isMerged && distance(packet.acknowledgement, shaped.lastAcknowledgement) > 0) {
      pool.free(last);
      shaped.replaceLast(slot, packet.acknowledgement, packet.timestamp, dueAt);
      return true;
    }
    if (last < 0 && dueAt <= now) {
      shaped.noteEmission(packet.acknowledgement, packet.timestamp, this.#minUs(shaped), now);
      return false;
    }
    return this.#queue(shaped, slot, dueAt);
  }

  /** The next held packet that is due, or -1. */
  poll(now: Micros): Slot {
    for (let i = 0; i < this.#active.length; i++) {
      const shaped = this.#active[i]!;
      if (!shaped.isFlushing && shaped.firstDueAt > now) continue;
      shaped.noteEmission(shaped.firstAcknowledgement, shaped.firstTimestamp, this.#minUs(shaped), now);
      const slot = shaped.shift();
      if (shaped.count === 0) {
        shaped.isFlushing = false;
        this.#active[i] = this.#active.at(-1)!;
        this.#active.pop();
      }
      return slot;
    }
    return -1 as Slot;
  }

  /** When the next held packet is due; Infinity if none is held. */
  timeoutAt(): Micros {
    let at = Number.POSITIVE_INFINITY;
    for (const shaped of this.#active) at = Math.min(at, shaped.firstDueAt);
    return at as Micros;
  }

  clear(): void {
    for (const shaped of this.#active) while (shaped.count > 0) this.#pool.free(shaped.shift());
    this.#active.length = 0;
    this.#flows.fill(undefined);
  }

  /** Holds the packet that was read. */
  #queue(shaped: ShapedFlow, slot: Slot, dueAt: number): boolean {
    if (shaped.count === HELD_MAX) shaped.isFlushing = true;
    if (shaped.count === 0) this.#active.push(shaped);
    shaped.push(slot, this.#packet.acknowledgement, this.#packet.timestamp, dueAt);
    return true;
  }

  #dueAt(shaped: ShapedFlow, acknowledgement: number, now: number): number {
    const { watch } = shaped;
    const enteredAt = watch.noteAck(acknowledgement, now);
    const sojournUs = this.#delays.sojournUs(shaped.lane);
    const { referenceUs } = this.#delays;
    const unqueuedUs = Math.min(watch.roundTripUs - sojournUs, REFERENCE_SPAN * referenceUs);
    const flowUs = Math.max(referenceUs, unqueuedUs);
    if (this.#beginsBunch(shaped, flowUs, now)) {
      this.#gather(shaped, now);
      return shaped.startup.untilUs;
    }
    const isFirst = watch.isWithin(FIRST_FLIGHT_BYTES, acknowledgement);
    const spacingUs = isFirst ? 0 : this.#spacingUs(shaped, acknowledgement, flowUs, sojournUs, now);
    const floorUs = this.#floorUs(shaped, flowUs, now);
    this.#grainUs = floorUs / FLOOR_GRAINS;
    const floorAt = enteredAt >= 0 ? enteredAt + floorUs : now;
    const isRoundEnd = shaped.isStarting && shaped.rounds.isEnd(acknowledgement) && this.#isBunchable(shaped, flowUs);
    const previousAt = shaped.count > 0 && !isRoundEnd ? shaped.lastDueAt : shaped.lastEmitAt;
    if (shaped.count > 0 && !isRoundEnd && floorAt <= shaped.lastDueAt) return shaped.lastDueAt;
    const dueAt = Math.max(now, floorAt, previousAt + spacingUs, shaped.pulse.untilUs);
    if (enteredAt >= 0 && dueAt - enteredAt < shaped.minRoundTripUs) shaped.minRoundTripUs = dueAt - enteredAt;
    return dueAt;
  }

  /** How far apart acks are handed over; judges whether slow start is over. */
  #spacingUs(shaped: ShapedFlow, acknowledgement: number, flowUs: number, sojournUs: number, now: number): number {
    const { watch } = shaped;
    const exitUs = EXIT_LEAD_SHARE * this.#delays.leadUs + Math.min(EXIT_QUEUE_MAX_US, flowUs);
    if (shaped.isStarting && (sojournUs > exitUs || !watch.isGrowing(now))) shaped.endStart(now);
    if (!shaped.isStarting) return 0;
    if (this.#isBunchable(shaped, flowUs)) return shaped.rounds.spacingUs(acknowledgement, watch.roundTripUs);
    const roundUs = Math.max(flowUs, watch.roundTripUs + 2 * watch.variationUs - sojournUs);
    return Math.max(SPACING_MIN_US, roundUs / (ACKS_PER_ROUND - 1));
  }

  /** Whether the bond is one that BBR takes for its quick paths, unless a bunch shows it the others. */
  #isBunchable(shaped: ShapedFlow, flowUs: number): boolean {
    const minUs = this.#minUs(shaped);
    const { nearShare } = this.#delays;
    if (nearShare === 0 || nearShare >= NEAR_SHARE) return false;
    return flowUs > BUNCH_ROUND_TRIPS * minUs && isWithinReach(minUs, flowUs);
  }

  /** Whether the ack that came is the first of a bunch, see {@link StartupBunch}. */
  #beginsBunch(shaped: ShapedFlow, flowUs: number, now: number): boolean {
    const { watch, pulse, startup } = shaped;
    if (!shaped.isStarting || watch.bytes < BIG_BYTES || !this.#isBunchable(shaped, flowUs)) return false;
    const { nearShare, capacity } = this.#delays;
    if (!startup.begin(watch, nearShare * capacity, this.#minUs(shaped), flowUs, now)) return false;
    pulse.untilUs = startup.untilUs;
    return true;
  }

  /** Held acks become one, which goes at `dueAt`: what hosts make of acks that come at once depends on their being one. */
  #gather(shaped: ShapedFlow, dueAt: number): void {
    while (shaped.count > 1) this.#pool.free(shaped.shift());
    if (shaped.count > 0) shaped.deferLast(dueAt);
  }

  /** Smallest round trip that the host can have measured. */
  #minUs(shaped: ShapedFlow): number {
    return shaped.isFloored ? shaped.minRoundTripUs : Math.min(shaped.minRoundTripUs, this.#delays.quickestUs);
  }

  /** How long after its data an ack is handed over at the earliest. */
  #floorUs(shaped: ShapedFlow, flowUs: number, now: number): number {
    if (shaped.watch.bytes >= BIG_BYTES) return this.#bigFloorUs(shaped, flowUs, now);
    return shaped.watch.bytes < START_BYTES ? FLOOR_SHARE * this.#delays.loadedUs : 0;
  }

  /** The same for a big flow; begins a pause where one is due. */
  #bigFloorUs(shaped: ShapedFlow, flowUs: number, now: number): number {
    const { watch, pulse, startup } = shaped;
    const { quickestUs } = this.#delays;
    shaped.noteProbe(now);
    if (startup.end(watch, now)) {
      pulse.untilUs = now;
      this.#gather(shaped, now);
    }
    const isFar = this.#delays.nearShare < NEAR_SHARE;
    if (isFar && shaped.pacing.verdict !== "bursts" && shaped.isSettled(flowUs, now)) {
      const dueAt = shaped.count > 0 ? Math.max(now, shaped.lastDueAt) : now;
      pulse.consider(this.#minUs(shaped), shaped.windows.windowOf(watch.acknowledged), flowUs, dueAt);
    }
    const floorUs = isWithinReach(quickestUs, flowUs) ? this.#heldUs(shaped, flowUs, isFar) : 0;
    this.#delays.noteFloor(shaped.lane, floorUs);
    return watch.isProbingRtt ? Math.max(floorUs, FLOOR_SHARE * flowUs) : floorUs;
  }

  /**
   * A host that measured with the floor has a window to match. One that was shown a wide window is to see the bond's round trip with it. Until then its round trip is kept at that of the slowest path it has data on, so that BBR's samples of
   * bandwidth do not show a step as often as that path gets something; but no longer than its window spans, or a window too small for the floor would make the flow
   * ever slower, and not while it drains.
   */
  #heldUs(shaped: ShapedFlow, flowUs: number, isFar: boolean): number {
    if (shaped.isFloored) return FLOOR_SHARE * flowUs;
    if (shaped.startup.phase === "showing" && shaped.isStarting) return flowUs;
    if (shaped.isStarting || !isFar || shaped.pacing.verdict !== "paced" || shaped.drain.isDraining) return 0;
    const nearRate = this.#delays.nearRate(shaped.lane);
    const { pulse, watch, drain } = shaped;
    const spanUs = pulse.hasPaused
      ? pulse.spanUs(this.#minUs(shaped), Math.max(nearRate, drain.peakRate))
      : watch.outstandingBytes / nearRate;
    return Math.min(flowUs, spanUs);
  }
}
