import type { Micros } from "../types.ts";
import type { RttEstimator } from "./rtt-estimator.ts";
import { IN_FLIGHT, type SentLedger, type SentSink } from "./sent-ledger.ts";

/** A first-in first-out link: lost as soon as this many later packets have arrived. */
const FIFO_THRESHOLD_PACKETS = 2;
/** The reordering window is forgotten step by step when this long no packet came late. */
const REORDERING_LIFE_US = 15_000_000;
/** A window grows over what it missed by this factor … */
const REORDERING_MARGIN = 1.25;
/** … up to this share of the round trip. RFC 8985 §3.3.2 allows all of it; a repair over another path would then come too late. */
const REORDERING_SHARE_MAX = 1 / 2;
/** Lost from behind this much of our own: the link's queue has overflown. Modems have room for more; a path that cruises makes less. */
const OVERFLOW_QUEUE_US = 25_000;

/**
 * Which packets of a path are lost (RACK, RFC 8985, per path). Most links deliver in order, so a gap is a loss at once; a path that proves
 * otherwise, by acknowledging what had been given up, gets a time window as wide as its reordering was.
 */
export class LossDetector {
  /** 0: the path keeps order. */
  reorderingUs = 0;
  lostPackets = 0;
  spuriousPackets = 0;
  /** When a packet may be found lost by time alone; Infinity if none. */
  deadline: Micros = Number.POSITIVE_INFINITY as Micros;
  /** Declared lost by the last `detect`. */
  lostBytes = 0;
  newlyLost = 0;
  /** Of these, sent on top of a queue that our own bytes made: start-up and probes find the end of it that way, and the link is none the worse. */
  newlyOverflown = 0;
  #largestAcked = 0;
  #largestSentAt = 0.5;
  #lastReorderedAt = Number.NEGATIVE_INFINITY;

  /** Notes the result of `SentLedger.applyAck` and declares losses. */
  onAck(sent: SentLedger, rtt: RttEstimator, sink: SentSink, now: Micros): void {
    if (sent.newestSpurious > 0) this.#onSpurious(sent, rtt, now);
    if (sent.newestAcked > this.#largestAcked) {
      this.#largestAcked = sent.newestAcked;
      this.#largestSentAt = sent.sentAt[sent.newestAcked & sent.mask]!;
    }
    if (this.reorderingUs > 0 && now - this.#lastReorderedAt > REORDERING_LIFE_US) {
      this.#lastReorderedAt = now;
      this.reorderingUs = this.reorderingUs > 1_000 ? this.reorderingUs / 2 : 0;
    }
    this.detect(sent, rtt, sink, now);
  }

  /** Declares losses; call it again at `deadline`. */
  detect(sent: SentLedger, rtt: RttEstimator, sink: SentSink, now: Micros): void {
    this.lostBytes = 0;
    this.newlyLost = 0;
    this.newlyOverflown = 0;
    this.deadline = Number.POSITIVE_INFINITY as Micros;
    const waitUs = rtt.latestUs + Math.max(this.reorderingUs, rtt.smoothedUs / 8);
    for (let n = sent.oldestInFlight(); n < this.#largestAcked; n++) {
      const index = n & sent.mask;
      if (sent.state[index] !== IN_FLIGHT) continue;
      const lostAt = sent.sentAt[index]! + waitUs;
      const isOvertaken = this.reorderingUs === 0 && this.#largestAcked - n >= FIFO_THRESHOLD_PACKETS;
      if (isOvertaken || lostAt <= now) {
        this.lostBytes += sent.bytes[index]!;
        this.newlyLost++;
        if (sent.ownQueueUs[index]! > OVERFLOW_QUEUE_US) this.newlyOverflown++;
        sent.lose(n, sink);
      } else if (lostAt < this.deadline) {
        this.deadline = lostAt as Micros;
      }
    }
    this.lostPackets += this.newlyLost;
  }

  #onSpurious(sent: SentLedger, rtt: RttEstimator, now: Micros): void {
    this.spuriousPackets += sent.spuriousPackets;
    const sentAt = sent.sentAt[sent.newestSpurious & sent.mask]!;
    this.#lastReorderedAt = now;
    if (sentAt > this.#largestSentAt) return;
    const lateUs = now - sentAt - rtt.latestUs;
    const windowUs = Math.min(rtt.smoothedUs * REORDERING_SHARE_MAX, Math.max(1_000, lateUs * REORDERING_MARGIN));
    if (windowUs > this.reorderingUs) this.reorderingUs = windowUs;
  }
}
