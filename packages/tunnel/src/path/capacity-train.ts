import type { Micros } from "../types.ts";
import type { AckFrame } from "../wire/frames.ts";

/** Datagrams per train. The short first one finds links too slow to be measured with long ones. 40 full datagrams fit one UDP_SEGMENT send. */
const TRAIN_DATAGRAMS = [10, 40, 40, 40] as const;
/** A link slower than this is not worth, and not able to carry, a long train: bytes per µs, 2.5 Mbit/s. */
const LONG_TRAIN_MIN_RATE = 0.31;
/** Rest between trains, on top of one round trip. */
const REST_US = 150_000;
/** Trains that differ by more than this factor were bent by jitter. */
const AGREEMENT = 1.25;
/** A dispersion shorter than this is beyond the resolution of the receiver's clock and acks. */
const DISPERSION_MIN_US = 500;
/** Two acks that are less of the train apart say more of when acks are sent than of the link. */
const SPAN_MIN_SHARE = 0.5;
/** Acks seldom end exactly at the last datagram. */
const TAIL_DATAGRAMS = 3;

/**
 * Measures a path's capacity at its start by short packet trains: the receiver's clock tells how far the bottleneck spread what left back to back.
 * An inner flow's own start-up is over before ours has ramped up, so the capacity has to be known before the flow comes.
 */
export class CapacityTrain {
  /** Result so far, bytes per µs; 0 = none. */
  rate = 0;
  /** The long trains agree. */
  isSure = false;
  #number = 0;
  #nextAt = Number.POSITIVE_INFINITY;
  #firstPacket = 0;
  #endPacket = 0;
  #startPacket = 0;
  #startBytes = -1;
  #startAt = 0.5;
  readonly #longRates: number[] = [];

  begin(now: Micros): void {
    this.#number = 0;
    this.#longRates.length = 0;
    this.#endPacket = this.#firstPacket;
    this.#nextAt = now;
  }

  stop(): void {
    this.#nextAt = Number.POSITIVE_INFINITY;
    this.#endPacket = this.#firstPacket;
  }

  /** A train is on its way and not yet acknowledged. */
  get isUnderWay(): boolean {
    return this.#endPacket > this.#firstPacket;
  }

  /** When the next train is due; Infinity when all are done. */
  dueAt(): Micros {
    return this.#nextAt as Micros;
  }

  datagrams(): number {
    return TRAIN_DATAGRAMS[this.#number] ?? 0;
  }

  /** Notes that the train left with these packet numbers. */
  onSent(firstPacket: number, endPacket: number, srttUs: number, now: Micros): void {
    this.#firstPacket = firstPacket;
    this.#endPacket = endPacket;
    this.#startBytes = -1;
    this.#number++;
    const isLast = this.#number >= TRAIN_DATAGRAMS.length;
    this.#nextAt = isLast ? Number.POSITIVE_INFINITY : now + srttUs + REST_US;
  }

  /** Returns true when a train was measured and `rate` is new. */
  onAck(ack: AckFrame): boolean {
    if (!this.isUnderWay || ack.largest <= this.#firstPacket) return false;
    if (ack.largest >= this.#endPacket && this.#startBytes < 0) {
      this.#endPacket = this.#firstPacket;
      return false;
    }
    if (this.#startBytes < 0) {
      this.#startPacket = ack.largest;
      this.#startBytes = ack.bytesReceived;
      this.#startAt = ack.receivedAt;
      return false;
    }
    if (ack.largest < this.#endPacket - TAIL_DATAGRAMS) return false;
    const spreadUs = ack.receivedAt - this.#startAt;
    const isLong = ack.largest - this.#startPacket >= SPAN_MIN_SHARE * (this.#endPacket - this.#firstPacket);
    this.#endPacket = this.#firstPacket;
    if (!isLong || spreadUs < DISPERSION_MIN_US) return false;
    this.#conclude((ack.bytesReceived - this.#startBytes) / spreadUs);
    return true;
  }

  #conclude(rate: number): void {
    this.rate = rate;
    if (this.#number === 1) {
      if (rate < LONG_TRAIN_MIN_RATE) this.stop();
      return;
    }
    this.#longRates.push(rate);
    const sorted = this.#longRates.toSorted((a, b) => a - b);
    this.rate = sorted[(sorted.length - 1) >> 1]!;
    this.isSure = sorted.length === TRAIN_DATAGRAMS.length - 1 && sorted.at(-1)! < AGREEMENT * sorted[0]!;
  }
}
