import type { Micros } from "../types.ts";
import type { OneWayDelay } from "./one-way-delay.ts";
import { ACK_DELAY_MAX_US, ACK_EVERY_BYTES } from "./receive-ledger.ts";
import type { RttEstimator } from "./rtt-estimator.ts";
import { IN_FLIGHT, type SentLedger } from "./sent-ledger.ts";

/** Probes of a path that does not answer: quick at first, so that a short cut is over at once, then sparing. */
const RETRY_FIRST_US = 50_000;
const RETRY_LAST_US = 300_000;
/** A busy bond wants a link's return known soon: at 150 ms its probes take 4 kbit/s. */
const RETRY_BUSY_US = 150_000;
const PROBE_METERED_US = 10_000_000;
/** Unanswered packets in flight, from which on silence is the path's and not chance. */
const STALL_PACKETS = 4;
/** What was sent within this share of the timeout after the oldest packet is overdue with it: the oldest comes first, or a path under load would never seem to owe more than one. */
const TOGETHER_SHARE = 1 / 8;
/** Tail probes without an answer after which a path counts as stalled. One loss is ordinary on radio, three in a row are not. */
const TAIL_PROBE_BUDGET = 2;
/** Smallest margin of the acknowledgement timeout over srtt; the peer's clock grain, our loop's and its. */
const TIMEOUT_MARGIN_US = 15_000;
/** The peer may hold an ack this long even under load. */
const PEER_DELAY_LOADED_US = 8_000;
/** Silence of this much of an srtt (or 20 ms) is asked for too: one packet's misfortune is not a stall. */
const SILENCE_SHARE = 1 / 8;
const SILENCE_MIN_US = 20_000;

export type Silence = "none" | "tail" | "stalled";

/** When a path has to be probed, and when missing acknowledgements mean that it no longer carries. */
export class Liveness {
  lastAckAt = 0.5;
  lastElicitingAt = Number.NEGATIVE_INFINITY;
  #tailProbes = 0;
  #retryUs = RETRY_FIRST_US;

  onAnswer(now: Micros): void {
    this.lastAckAt = now;
    this.#tailProbes = 0;
    this.#retryUs = RETRY_FIRST_US;
  }

  /** When an idle or silent path is probed next. `probeEveryUs`: how often the bond has its idle paths probed. */
  probeAt(isUp: boolean, isMetered: boolean, isBondBusy: boolean, probeEveryUs: number): Micros {
    let intervalUs = isBondBusy && !isMetered ? Math.min(RETRY_BUSY_US, this.#retryUs) : this.#retryUs;
    if (isUp) intervalUs = isMetered ? PROBE_METERED_US : probeEveryUs;
    return (this.lastElicitingAt + intervalUs) as Micros;
  }

  /** A probe of a path that does not answer has left. */
  onRetry(): void {
    this.#retryUs = Math.min(RETRY_LAST_US, this.#retryUs * 1.25);
  }

  /** When silence has to be judged; Infinity with nothing in flight. */
  silenceAt(sent: SentLedger, rtt: RttEstimator, timeoutUs: number): Micros {
    if (sent.inFlightPackets === 0) return Number.POSITIVE_INFINITY as Micros;
    const silenceUs = Math.max(SILENCE_MIN_US, rtt.smoothedUs * SILENCE_SHARE, 2 * rtt.variationUs);
    const oldestAt = sent.sentAt[sent.oldestInFlight() & sent.mask]!;
    return Math.max(oldestAt + timeoutUs, this.lastAckAt + silenceUs) as Micros;
  }

  /** Judges at `silenceAt`: `tail` asks for one more probe and another way for what is overdue, `stalled` for leaving the path. */
  judge(sent: SentLedger, timeoutUs: number, now: Micros): Silence {
    const sentBefore = overdueBefore(timeoutUs, now);
    let overdue = 0;
    for (let n = sent.oldestInFlight(); n < sent.next && overdue < STALL_PACKETS; n++) {
      const index = n & sent.mask;
      if (sent.state[index] === IN_FLIGHT && sent.sentAt[index]! <= sentBefore) overdue++;
    }
    if (overdue === 0) return "none";
    if (overdue >= STALL_PACKETS || ++this.#tailProbes > TAIL_PROBE_BUDGET) return "stalled";
    return "tail";
  }

  /** How long an acknowledgement may take. */
  timeoutUs(sent: SentLedger, rtt: RttEstimator, oneWay: OneWayDelay): number {
    const marginUs = Math.max(4 * rtt.variationUs, 0.3 * rtt.smoothedUs, 4 * oneWay.variationUs, TIMEOUT_MARGIN_US);
    return rtt.smoothedUs + marginUs + peerDelayUs(sent.inFlightBytes, rtt.smoothedUs);
  }
}

/** What left by then and is not acknowledged is overdue. */
export function overdueBefore(timeoutUs: number, now: Micros): Micros {
  return (now - timeoutUs * (1 - TOGETHER_SHARE)) as Micros;
}

/** How long the peer may hold an ack: until enough has come for one, at the rate that what is in flight shows, or as long as it ever does. */
function peerDelayUs(inFlightBytes: number, roundTripUs: number): number {
  const gatheringUs = (ACK_EVERY_BYTES * (roundTripUs + ACK_DELAY_MAX_US)) / inFlightBytes;
  return Math.min(ACK_DELAY_MAX_US, Math.max(PEER_DELAY_LOADED_US, gatheringUs));
}
