import type { Micros, PathId } from "../types.ts";
import { DOUBLE_ZERO } from "../types.ts";
import { ACK_FRAME, writeAckFrame, writeRun } from "../wire/frames.ts";
import { AckReceipt } from "./ack-receipt.ts";

/** Packet numbers that may arrive late, from the largest downwards (docs/protocol.md §3). */
export const REPLAY_WINDOW = 4_096;
const WORDS = REPLAY_WINDOW / 32;
const WORD_MASK = WORDS - 1;
/** Ranges of one ACK: enough for 2 % loss over a few round trips of which the peer knows nothing yet. */
export const ACK_RANGES_MAX = 24;
/** An ack is due when this many bytes wait for one: 83 bytes of ack are then 2 %. */
export const ACK_EVERY_BYTES = 4_500;
/** …but not sooner after the last one than this share of the round trip: 50 acks per round trip tell enough, and a slow uplink survives them. */
const ACK_SPACING_SHARE = 1 / 50;
const ACK_SPACING_MIN_US = 1_000;
const ACK_SPACING_MAX_US = 10_000;
/** … nor so often that acks take more than this share of what their path carries: an uplink of 1 Mbit/s beside a downlink of 45 has other things to carry too. */
const ACK_RATE_SHARE = 1 / 8;
/** An ACK of twenty ranges, with our headers and those of UDP and IPv6. */
const ACK_BYTES = 140;
/** Longest wait on a quick path, and on a slow one, where acks would cost too much. */
const ACK_DELAY_MIN_US = 3_000;
export const ACK_DELAY_MAX_US = 25_000;

/**
 * What has arrived on one path: the replay window, and from the same bits the acknowledgements. `isFresh` must be asked before
 * a packet is opened, `note` called only after it was authenticated.
 */
export class ReceiveLedger {
  /** Largest packet number that arrived; 0 before the first. */
  largest = 0;
  /** When it arrived, by our clock. */
  largestAt = 0.5;
  bytesReceived = DOUBLE_ZERO;
  packetsReceived = 0;
  lastReceivedAt = Number.NEGATIVE_INFINITY;
  /** Round trip of the path as our own packets see it; spaces the acks. */
  roundTripUs = 0.5;
  /** What the path can carry that takes the acks, bytes per µs; spaces them as well. */
  carrierRate = Number.POSITIVE_INFINITY;
  readonly receipt = new AckReceipt();
  readonly #bits = new Int32Array(WORDS);
  #unackedBytes = 0;
  /** A gap or a late packet: worth an ack soon. */
  #isAckUrgent = false;
  /** A PING: answered at once. */
  #isAckDemanded = false;
  #isAckPending = false;
  #firstUnackedAt = 0.5;
  #lastAckAt = Number.NEGATIVE_INFINITY;
  #smoothedGapUs: number = ACK_DELAY_MIN_US;

  /** False for a packet number that was seen, or is too old to know. */
  isFresh(packetNumber: number): boolean {
    if (packetNumber > this.largest) return true;
    if (packetNumber <= this.largest - REPLAY_WINDOW || packetNumber < 1) return false;
    return !this.#has(packetNumber);
  }

  /** Records an authenticated packet of `bytes` IP bytes. `isEliciting`: it wants to be acknowledged. */
  note(packetNumber: number, bytes: number, isEliciting: boolean, receivedAt: Micros): void {
    if (packetNumber > this.largest) {
      if (packetNumber > this.largest + 1 && isEliciting) this.#isAckUrgent = true;
      this.#advance(packetNumber);
      this.largestAt = receivedAt;
    } else {
      if (isEliciting) this.#isAckUrgent = true;
      this.receipt.onLate(packetNumber);
    }
    this.#set(packetNumber);
    this.bytesReceived += bytes;
    this.packetsReceived++;
    if (isEliciting) this.#expectAck(bytes, receivedAt);
    this.lastReceivedAt = receivedAt;
  }

  /** An ack has to leave with the next transmission. */
  demandAck(now: Micros): void {
    if (!this.#isAckPending) this.#firstUnackedAt = now;
    this.#isAckPending = true;
    this.#isAckDemanded = true;
  }

  /** When the next ack is due; Infinity if none is. */
  ackDueAt(): Micros {
    if (!this.#isAckPending) return Number.POSITIVE_INFINITY as Micros;
    if (this.#isAckDemanded) return this.#firstUnackedAt as Micros;
    const soonestAt = Math.max(this.#firstUnackedAt, this.#lastAckAt + this.#spacingUs());
    if (this.#isAckUrgent || this.#unackedBytes >= ACK_EVERY_BYTES) return soonestAt as Micros;
    return Math.max(soonestAt, this.#firstUnackedAt + this.#ackDelayUs()) as Micros;
  }

  /** Half of what makes an ack due has come: it is worth its bytes in a datagram that leaves anyway. */
  isAckRipe(now: Micros): boolean {
    if (!this.#isAckPending || 2 * (now - this.#lastAckAt) < this.#spacingUs()) return false;
    return this.#isAckUrgent || 2 * this.#unackedBytes >= ACK_EVERY_BYTES;
  }

  /** Writes an ACK frame at `offset`. Returns its length in bytes, 0 if there is nothing to acknowledge. */
  writeAck(view: DataView, offset: number, path: PathId, now: Micros): number {
    if (this.largest === 0) return 0;
    let at = offset + ACK_FRAME.LENGTH;
    let packetNumber = this.largest;
    const oldest = Math.max(this.receipt.knownTo, this.largest - REPLAY_WINDOW) + 1;
    let ranges = 0;
    while (packetNumber >= oldest && ranges < ACK_RANGES_MAX) {
      const received = this.#runLength(packetNumber, oldest, true);
      packetNumber -= received;
      const missing = this.#runLength(packetNumber, oldest, false);
      packetNumber -= missing;
      at += writeRun(view, at, received);
      at += writeRun(view, at, missing);
      ranges++;
    }
    const delayUs = Math.max(0, now - this.largestAt);
    writeAckFrame(view, offset, path, this.largest, delayUs, this.largestAt, this.bytesReceived, ranges);
    return at - offset;
  }

  /** The ack that was written last has left. */
  noteAckSent(now: Micros): void {
    this.#isAckPending = false;
    this.#isAckUrgent = false;
    this.#isAckDemanded = false;
    this.#unackedBytes = 0;
    this.#lastAckAt = now;
  }

  #expectAck(bytes: number, receivedAt: Micros): void {
    const gapUs = receivedAt - this.lastReceivedAt;
    if (gapUs < ACK_DELAY_MAX_US) this.#smoothedGapUs += (gapUs - this.#smoothedGapUs) / 16;
    this.#unackedBytes += bytes;
    if (this.#isAckPending) return;
    this.#isAckPending = true;
    this.#firstUnackedAt = receivedAt;
  }

  #spacingUs(): number {
    const byRateUs = ACK_BYTES / (ACK_RATE_SHARE * this.carrierRate);
    const spacingUs = Math.max(ACK_SPACING_MIN_US, this.roundTripUs * ACK_SPACING_SHARE, byRateUs);
    return Math.min(ACK_SPACING_MAX_US, spacingUs);
  }

  #ackDelayUs(): number {
    return Math.min(ACK_DELAY_MAX_US, Math.max(ACK_DELAY_MIN_US, 3 * this.#smoothedGapUs));
  }

  #has(packetNumber: number): boolean {
    return (this.#bits[wordOf(packetNumber)]! & (1 << (packetNumber & 31))) !== 0;
  }

  #set(packetNumber: number): void {
    this.#bits[wordOf(packetNumber)]! |= 1 << (packetNumber & 31);
  }

  #advance(packetNumber: number): void {
    if (packetNumber - this.largest >= REPLAY_WINDOW) this.#bits.fill(0);
    else for (let n = this.largest + 1; n <= packetNumber; n++) this.#bits[wordOf(n)]! &= ~(1 << (n & 31));
    this.largest = packetNumber;
  }

  /** Packet numbers from `from` down to `oldest` that all arrived, or all did not. A word at a time. */
  #runLength(from: number, oldest: number, arrived: boolean): number {
    let n = from;
    while (n >= oldest) {
      const word = this.#bits[wordOf(n)]!;
      const position = n & 31;
      const run = Math.clz32((arrived ? ~word : word) << (31 - position));
      if (run <= position) {
        n -= run;
        break;
      }
      n -= position + 1;
    }
    return from - Math.max(n, oldest - 1);
  }
}

/** Bit operations see a number modulo 2^32, which leaves these bits as they are. */
function wordOf(packetNumber: number): number {
  return (packetNumber >>> 5) & WORD_MASK;
}
