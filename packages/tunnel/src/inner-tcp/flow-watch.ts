import { DOUBLE_ZERO } from "../types.ts";

/** The grain of the records, in sequence space, grows with what is outstanding, so that the ring always suffices. */
const RECORDS = 1_024;
/** BBR's PROBE_RTT keeps four packets in flight. */
const PROBE_BYTES = 8_000;
/** Slow start doubles the flight per round trip; one that takes longer than this for a quarter is over it. */
const GROWTH = 1.25;
const GROWTH_ROUNDS = 3;
const RTT_GAIN = 1 / 32;

/**
 * One inner TCP flow that sends through this end of the bond: when its data came in, and from its acks the round trip that its host sees. It reads
 * headers that pass by and changes nothing.
 */
export class FlowWatch {
  /** Identity of the data direction, see `TcpPacket.flow`. */
  readonly flow: number;
  /** Payload that came in. */
  bytes = DOUBLE_ZERO;
  lastDataAt = 0.5;
  /** Round trip from the entry of data to the arrival of its ack, without any time that acks were held here. */
  roundTripUs = 0.5;
  variationUs = 0.5;
  hasRoundTrip = false;
  /** Highest sequence number that came in. */
  endSequence = DOUBLE_ZERO;
  readonly #startSequence: number;
  readonly #sequences = new Uint32Array(RECORDS);
  readonly #enteredAt = new Float64Array(RECORDS);
  #head = 0;
  #tail = 0;
  #lastRecorded = DOUBLE_ZERO;
  #acknowledged = DOUBLE_ZERO;
  #grownBytes = 0;
  #grownAt = 0.5;

  constructor(flow: number, sequence: number) {
    this.flow = flow;
    this.#startSequence = sequence;
    this.endSequence = sequence;
    this.#lastRecorded = sequence;
    this.#acknowledged = sequence;
  }

  /** Highest acknowledgement that arrived. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Bytes that came in and are not acknowledged. */
  get outstandingBytes(): number {
    return (this.endSequence - this.#acknowledged) | 0;
  }

  /** The host has let its flight run down to next to nothing, as BBR does every 10 s to measure the path's minimum round trip. */
  get isProbingRtt(): boolean {
    return this.bytes > 20 * PROBE_BYTES && this.outstandingBytes <= PROBE_BYTES;
  }

  noteData(endSequence: number, payloadBytes: number, now: number): void {
    this.bytes += payloadBytes;
    this.lastDataAt = now;
    if (((endSequence - this.endSequence) | 0) <= 0) return;
    this.endSequence = endSequence;
    const grainBytes = this.outstandingBytes / (RECORDS / 2);
    if (((endSequence - this.#lastRecorded) | 0) < grainBytes || this.#tail - this.#head >= RECORDS) return;
    this.#lastRecorded = endSequence;
    this.#sequences[this.#tail % RECORDS] = endSequence;
    this.#enteredAt[this.#tail % RECORDS] = now;
    this.#tail++;
  }

  /** Whether an ack covers no more than the first `bytes` that were watched. */
  isWithin(bytes: number, acknowledgement: number): boolean {
    return this.bytes <= 4 * bytes && ((acknowledgement - this.#startSequence) | 0) <= bytes;
  }

  /** Whether the flight still grows by a quarter every few round trips, as in slow start. */
  isGrowing(now: number): boolean {
    const outstanding = this.outstandingBytes;
    if (outstanding >= this.#grownBytes * GROWTH) {
      this.#grownBytes = outstanding;
      this.#grownAt = now;
    }
    return !this.hasRoundTrip || now - this.#grownAt <= GROWTH_ROUNDS * this.roundTripUs;
  }

  restartGrowth(now: number): void {
    this.#grownBytes = 0;
    this.#grownAt = now;
  }

  /** Notes an ack that arrives. Returns when the newest recorded data that it covers came in, or -1 if it covers none anew. */
  noteAck(acknowledgement: number, now: number): number {
    if (((acknowledgement - this.#acknowledged) | 0) > 0) this.#acknowledged = acknowledgement;
    let enteredAt = -1;
    while (this.#head < this.#tail && ((acknowledgement - this.#sequences[this.#head % RECORDS]!) | 0) >= 0) {
      enteredAt = this.#enteredAt[this.#head % RECORDS]!;
      this.#head++;
    }
    if (enteredAt >= 0) this.#sample(now - enteredAt);
    return enteredAt;
  }

  #sample(rttUs: number): void {
    if (!this.hasRoundTrip) {
      this.hasRoundTrip = true;
      this.roundTripUs = rttUs;
      this.variationUs = rttUs / 4;
      return;
    }
    this.variationUs += (Math.abs(rttUs - this.roundTripUs) - this.variationUs) * RTT_GAIN;
    this.roundTripUs += (rttUs - this.roundTripUs) * RTT_GAIN;
  }
}
