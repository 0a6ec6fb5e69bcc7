import { DOUBLE_ZERO, type Slot } from "../types.ts";
import { AckPulse } from "./ack-pulse.ts";
import { AggregationWindows } from "./aggregation-windows.ts";
import { DrainWatch } from "./drain-watch.ts";
import type { FlowWatch } from "./flow-watch.ts";
import { HostRounds } from "./host-rounds.ts";
import { PacingWatch } from "./pacing-watch.ts";
import { StartupBunch } from "./startup-bunch.ts";
import { distance } from "./tcp-packet.ts";

/** Acks of one flow that may wait at once; beyond it all of them go. */
export const HELD_MAX = 64;
/** BBR's PROBE_RTT takes 200 ms and a round trip (`bbr_probe_rtt_mode_ms`); a shorter lull is a pause of the application, or ours. */
const PROBE_US = 150_000;

/** BBR is still in STARTUP, or drains, for up to so many round trips of the bond after we took slow start to be over, … */
const SETTLING_ROUNDS = 8;
/** … and then fills its window again up to about this share of the most there was. */
const REFILLED_SHARE = 0.85;

/** A watched flow and the acks that wait for their moment, in order. */
export class ShapedFlow {
  readonly lane: number;
  readonly watch: FlowWatch;
  /** The host is in slow start, as far as we know. */
  isStarting = true;
  /** Something that must not wait came behind the held acks: all of them go. */
  isFlushing = false;
  lastEmitAt = Number.NEGATIVE_INFINITY;
  /** When the first of the acks was due that the last held one stands for. */
  mergedSince = Number.NEGATIVE_INFINITY;
  /** Smallest round trip that the host has seen since it measured last. */
  minRoundTripUs = Number.POSITIVE_INFINITY;
  /** The host was seen to measure its minimum round trip, as BBR does: its window rests on our floor from then on. */
  isFloored = false;
  /** First and last ack of those that came while the host kept next to nothing in flight. */
  #probingSince = 0.5;
  #probedAt = Number.NEGATIVE_INFINITY;
  readonly pulse = new AckPulse();
  readonly pacing = new PacingWatch();
  readonly rounds = new HostRounds();
  readonly drain = new DrainWatch();
  readonly windows: AggregationWindows;
  readonly startup: StartupBunch;
  /** The host's data carry timestamps. */
  hasTimestamps = false;
  count = 0;
  readonly #slots = new Int32Array(HELD_MAX * 2);
  readonly #acknowledgements = new Uint32Array(HELD_MAX * 2);
  readonly #timestamps = new Uint32Array(HELD_MAX * 2);
  readonly #dueAt = new Float64Array(HELD_MAX * 2);
  #head = 0;
  /** When slow start ended, as far as we know. */
  #startedUntil = -0.5;
  /** Highest acknowledgement that went to the host. */
  #emitted = DOUBLE_ZERO;
  /** The most that ever was in flight, as the host sees it. */
  #peakBytes = DOUBLE_ZERO;

  constructor(lane: number, watch: FlowWatch) {
    this.lane = lane;
    this.watch = watch;
    this.windows = new AggregationWindows(watch.endSequence);
    this.startup = new StartupBunch(watch.endSequence);
    this.#emitted = watch.endSequence;
  }

  /** An ack came: acks while next to nothing is in flight, for so long, are BBR's PROBE_RTT, in which it forgets what it had measured before. */
  noteProbe(now: number): void {
    if (!this.watch.isProbingRtt) {
      this.#probedAt = Number.NEGATIVE_INFINITY;
      return;
    }
    if (now - this.#probedAt > PROBE_US) this.#probingSince = now;
    this.#probedAt = now;
    if (now - this.#probingSince < PROBE_US) return;
    this.#probedAt = Number.NEGATIVE_INFINITY;
    this.isFloored = true;
    this.minRoundTripUs = Number.POSITIVE_INFINITY;
  }

  /** An ack goes to the host, whose smallest round trip so far is `minRoundTripUs`. */
  noteEmission(acknowledgement: number, timestamp: number, minRoundTripUs: number, now: number): void {
    this.#peakBytes = Math.max(this.#peakBytes, this.#inFlightBytes);
    this.pulse.noteFlight(this.#inFlightBytes);
    this.pulse.noteAck(distance(acknowledgement, this.#emitted), now);
    this.#emitted = acknowledgement;
    this.windows.noteAck(acknowledgement, this.watch.endSequence, timestamp, this.hasTimestamps);
    this.startup.noteAck(acknowledgement, minRoundTripUs, now);
    this.rounds.noteAck(acknowledgement, this.watch.endSequence, now);
    this.pacing.noteAck(now - this.lastEmitAt, now);
    this.lastEmitAt = now;
  }

  /** Slow start is over, and with it what only it asks for. */
  endStart(now: number): void {
    this.isStarting = false;
    this.#startedUntil = now;
    if (this.startup.phase === "seeking") this.startup.phase = "over";
  }

  /** The host was idle, and slow start begins again. */
  restart(now: number): void {
    this.isStarting = true;
    this.startup.phase = "over";
    this.watch.restartGrowth(now);
  }

  /** What the host has in flight. */
  get #inFlightBytes(): number {
    return distance(this.watch.endSequence, this.#emitted);
  }

  /** Whether the host has left slow start, BBR's draining included, and filled its window again: before, a pause would find little to have acknowledged at once. */
  isSettled(bondUs: number, now: number): boolean {
    if (this.isStarting) return false;
    if (this.pulse.hasPaused || now - this.#startedUntil > SETTLING_ROUNDS * bondUs) return true;
    return this.drain.hasDrained && this.#inFlightBytes >= REFILLED_SHARE * this.#peakBytes;
  }

  get firstDueAt(): number {
    return this.#dueAt[this.#head % this.#slots.length]!;
  }

  get firstAcknowledgement(): number {
    return this.#acknowledgements[this.#head % this.#slots.length]!;
  }

  get firstTimestamp(): number {
    return this.#timestamps[this.#head % this.#slots.length]!;
  }

  get lastDueAt(): number {
    return this.#dueAt[this.#lastIndex()]!;
  }

  get lastAcknowledgement(): number {
    return this.#acknowledgements[this.#lastIndex()]!;
  }

  lastSlot(): Slot {
    return (this.count === 0 ? -1 : this.#slots[this.#lastIndex()]!) as Slot;
  }

  push(slot: Slot, acknowledgement: number, timestamp: number, dueAt: number): void {
    this.count++;
    const index = this.#lastIndex();
    this.#slots[index] = slot;
    this.#acknowledgements[index] = acknowledgement;
    this.#timestamps[index] = timestamp;
    this.#dueAt[index] = dueAt;
    this.mergedSince = dueAt;
  }

  /** A newer ack takes the place of the last one, and goes when it is due itself. */
  replaceLast(slot: Slot, acknowledgement: number, timestamp: number, dueAt: number): void {
    this.#dueAt[this.#lastIndex()] = dueAt;
    this.#slots[this.#lastIndex()] = slot;
    this.#acknowledgements[this.#lastIndex()] = acknowledgement;
    this.#timestamps[this.#lastIndex()] = timestamp;
  }

  /** The last of the held acks goes at `dueAt`. */
  deferLast(dueAt: number): void {
    this.#dueAt[this.#lastIndex()] = dueAt;
  }

  shift(): Slot {
    const slot = this.#slots[this.#head % this.#slots.length]! as Slot;
    this.#head++;
    this.count--;
    return slot;
  }

  #lastIndex(): number {
    return (this.#head + this.count - 1) % this.#slots.length;
  }
}
