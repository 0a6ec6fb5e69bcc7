import type { Micros, Slot } from "../types.ts";
import type { AckFrame } from "../wire/frames.ts";
import { SizeEvidence } from "./size-evidence.ts";

/** A packet number that needs no more attention: acknowledged, forgotten, or never eliciting. */
export const SETTLED = 0;
export const IN_FLIGHT = 1;
/** Declared lost; remembered for a while, because a late acknowledgement tells that it was not. */
export const LOST = 2;

/** The whole inner packet, or one half of it. Values are bit masks of {@link PacketPool.delivered}. */
export const PART_WHOLE = 3;
export const PART_FIRST = 1;
export const PART_LAST = 2;
/** An MTU probe: carries no inner packet, and is not in flight. */
export const PART_PROBE = 0;

const INITIAL_CAPACITY = 512;
/** Packet numbers between the oldest unsettled one and the next; beyond it the path is closed until acks come. */
export const OUTSTANDING_MAX = 65_536;

/** Told what became of inner packets. */
export interface SentSink {
  delivered(slot: Slot, part: number): void;
  lost(slot: Slot, part: number): void;
  /** What was given up as lost is on its way after all. */
  restored(slot: Slot, part: number): void;
  /** The record no longer refers to the slot. Follows `delivered` at once, and `lost` some time later. */
  forget(slot: Slot): void;
}

/**
 * Every packet number that is not settled, in a ring that doubles when the path's bandwidth-delay product needs it. Each record
 * remembers what had been delivered when it was sent, which is what a delivery rate is made of.
 */
export class SentLedger {
  /** Next packet number to use. Never falls back, also not over suspensions. */
  next = 1;
  /** Lowest packet number that may be unsettled. */
  oldest = 1;
  inFlightBytes = 0;
  inFlightPackets = 0;
  mask = INITIAL_CAPACITY - 1;
  readonly sizes = new SizeEvidence();

  state = new Uint8Array(INITIAL_CAPACITY);
  /** -1: carries no inner packet. */
  slot = new Int32Array(INITIAL_CAPACITY);
  part = new Uint8Array(INITIAL_CAPACITY);
  bytes = new Uint16Array(INITIAL_CAPACITY);
  sentAt = new Float64Array(INITIAL_CAPACITY);
  /** Bytes that the peer had received of this path by its newest ack, when the packet was sent … */
  deliveredBytes = new Float64Array(INITIAL_CAPACITY);
  /** … the peer's clock at that … */
  deliveredAt = new Float64Array(INITIAL_CAPACITY);
  /** … and when the packet that was acknowledged by it had been sent. */
  deliveredSentAt = new Float64Array(INITIAL_CAPACITY);
  /** Path's idle time so far, when this packet was sent and when the one acknowledged last before it was sent. */
  idleUs = new Float64Array(INITIAL_CAPACITY);
  deliveredIdleUs = new Float64Array(INITIAL_CAPACITY);
  /** Queue that our own bytes made in the link, as predicted when the packet was sent. */
  ownQueueUs = new Float32Array(INITIAL_CAPACITY);

  /** Results of the last `applyAck`. */
  ackedBytes = 0;
  ackedPackets = 0;
  /** Largest packet number that went from in flight to acknowledged; 0 = none. */
  newestAcked = 0;
  /** Packets that had been declared lost and were not; and the newest of them. */
  spuriousPackets = 0;
  newestSpurious = 0;
  /** Nothing below is in flight. */
  #firstInFlight = 1;
  /** Nothing below was taken over when the ring grew last. */
  #firstKept = 1;

  get isFull(): boolean {
    return this.next - this.oldest >= OUTSTANDING_MAX;
  }

  /** Whether the send time of a packet number, settled or not, is on record. A late ack may name one that was forgotten long ago. */
  isKnown(packetNumber: number): boolean {
    return packetNumber >= this.#firstKept && packetNumber >= this.next - this.mask - 1;
  }

  /** Makes room for one more packet number and returns its index. */
  open(): number {
    if (this.next - this.oldest > this.mask) this.#grow();
    return this.next & this.mask;
  }

  /** Lowest packet number in flight, or `next` if there is none. */
  oldestInFlight(): number {
    let n = Math.max(this.#firstInFlight, this.oldest);
    while (n < this.next && this.state[n & this.mask] !== IN_FLIGHT) n++;
    this.#firstInFlight = n;
    return n;
  }

  /** Settles the packet numbers that an ACK covers. */
  applyAck(ack: AckFrame, sink: SentSink): void {
    this.ackedBytes = 0;
    this.ackedPackets = 0;
    this.newestAcked = 0;
    this.spuriousPackets = 0;
    this.newestSpurious = 0;
    let packetNumber = ack.largest;
    for (let range = 0; range < ack.rangeCount && packetNumber >= this.oldest; range++) {
      const below = packetNumber - ack.runs[2 * range]!;
      const lowest = Math.max(this.oldest, below + 1);
      for (; packetNumber >= lowest; packetNumber--) {
        if (this.state[packetNumber & this.mask] !== SETTLED) this.#acknowledge(packetNumber, sink);
      }
      packetNumber = below - ack.runs[2 * range + 1]!;
    }
  }

  /** Declares one packet in flight lost. */
  lose(packetNumber: number, sink: SentSink): void {
    const index = packetNumber & this.mask;
    this.state[index] = LOST;
    this.inFlightBytes -= this.bytes[index]!;
    this.inFlightPackets--;
    this.sizes.lost(packetNumber, this.bytes[index]!, this.sentAt[index]!);
    if (this.slot[index]! >= 0) sink.lost(this.slot[index]! as Slot, this.part[index]!);
  }

  /** Declares lost what is in flight, or those of its packets that are longer than this, or that left by then. */
  loseInFlight(sink: SentSink, beyondBytes = 0, sentBefore: number = Number.POSITIVE_INFINITY): void {
    for (let n = this.oldestInFlight(); n < this.next && this.inFlightPackets > 0; n++) {
      const index = n & this.mask;
      if (this.sentAt[index]! > sentBefore) return;
      if (this.state[index] === IN_FLIGHT && this.bytes[index]! > beyondBytes) this.lose(n, sink);
    }
  }

  /**
   * Puts back in flight what was given up and was sent after a packet that has arrived late: on a first-in first-out link, it comes behind it. Returns the number of packets.
   */
  restore(above: number, sink: SentSink): number {
    let packets = 0;
    for (let n = Math.max(above + 1, this.oldest); n < this.next; n++) {
      const index = n & this.mask;
      if (this.state[index] !== LOST) continue;
      this.state[index] = IN_FLIGHT;
      this.inFlightBytes += this.bytes[index]!;
      this.inFlightPackets++;
      packets++;
      if (n < this.#firstInFlight) this.#firstInFlight = n;
      if (this.slot[index]! >= 0) sink.restored(this.slot[index]! as Slot, this.part[index]!);
    }
    return packets;
  }

  /** Moves `oldest` over what is settled, and over lost packets that were sent before `lostBefore`. */
  advance(lostBefore: Micros, sink: SentSink): void {
    while (this.oldest < this.next) {
      const index = this.oldest & this.mask;
      const state = this.state[index];
      if (state === IN_FLIGHT || (state === LOST && this.sentAt[index]! >= lostBefore)) return;
      if (state === LOST) this.#settle(index, sink);
      this.oldest++;
    }
  }

  /** Forgets everything; what was in flight counts as neither delivered nor lost. */
  clear(sink: SentSink): void {
    for (; this.oldest < this.next; this.oldest++) {
      const index = this.oldest & this.mask;
      if (this.state[index] !== SETTLED) this.#settle(index, sink);
    }
    this.inFlightBytes = 0;
    this.inFlightPackets = 0;
    this.sizes.reset();
  }

  #acknowledge(packetNumber: number, sink: SentSink): void {
    const index = packetNumber & this.mask;
    if (this.state[index] === IN_FLIGHT) {
      this.inFlightBytes -= this.bytes[index]!;
      this.inFlightPackets--;
      this.ackedPackets++;
      if (this.newestAcked === 0) this.newestAcked = packetNumber;
    } else {
      this.spuriousPackets++;
      if (this.newestSpurious === 0) this.newestSpurious = packetNumber;
    }
    this.ackedBytes += this.bytes[index]!;
    this.sizes.acked(packetNumber, this.bytes[index]!);
    if (this.slot[index]! >= 0) sink.delivered(this.slot[index]! as Slot, this.part[index]!);
    this.#settle(index, sink);
  }

  #settle(index: number, sink: SentSink): void {
    this.state[index] = SETTLED;
    const slot = this.slot[index]!;
    if (slot < 0) return;
    this.slot[index] = -1;
    sink.forget(slot as Slot);
  }

  #grow(): void {
    const capacity = (this.mask + 1) * 2;
    const copy = <T extends Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array>(from: T, to: T): T => {
      for (let n = this.oldest; n < this.next; n++) to[n & (capacity - 1)] = from[n & this.mask]!;
      return to;
    };
    this.state = copy(this.state, new Uint8Array(capacity));
    this.slot = copy(this.slot, new Int32Array(capacity));
    this.part = copy(this.part, new Uint8Array(capacity));
    this.bytes = copy(this.bytes, new Uint16Array(capacity));
    this.sentAt = copy(this.sentAt, new Float64Array(capacity));
    this.deliveredBytes = copy(this.deliveredBytes, new Float64Array(capacity));
    this.deliveredAt = copy(this.deliveredAt, new Float64Array(capacity));
    this.deliveredSentAt = copy(this.deliveredSentAt, new Float64Array(capacity));
    this.idleUs = copy(this.idleUs, new Float64Array(capacity));
    this.deliveredIdleUs = copy(this.deliveredIdleUs, new Float64Array(capacity));
    this.ownQueueUs = copy(this.ownQueueUs, new Float32Array(capacity));
    this.mask = capacity - 1;
    this.#firstKept = this.oldest;
  }
}
