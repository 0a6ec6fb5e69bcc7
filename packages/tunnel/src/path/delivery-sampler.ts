import { DOUBLE_ZERO } from "../types.ts";
import type { AckFrame } from "../wire/frames.ts";
import type { SentLedger } from "./sent-ledger.ts";

/** A sample over less than this share of the round trip is dominated by bursts. */
const INTERVAL_SHARE_MIN = 0.5;
const INTERVAL_CAP_US = 100_000;
/** Share of a sample in which the path stood ready and got nothing, from which on the sample says nothing of the link. */
const IDLE_SHARE_APP_LIMITED = 0.05;

/**
 * Delivery rate of one path, from the receiver's byte counter and the receiver's clock, so that neither lost nor bunched acks matter.
 * A sample spans from the ack that was newest when a packet left, to the ack of that packet.
 */
export class DeliverySampler {
  /** Peer's counters by its newest ack. */
  deliveredBytes = DOUBLE_ZERO;
  deliveredAt = -0.5;
  /** When the packet acknowledged last had been sent, and the path's idle time at that. */
  sentAt = -0.5;
  idleUs = 0.5;
  /** Results of the last `onAck`: bytes per µs, 0 = no sample. */
  rate = 0;
  isAppLimited = false;
  idleShare = 0;
  isRoundStart = false;
  #nextRoundBytes = DOUBLE_ZERO;

  onAck(ack: AckFrame, sent: SentLedger, minRttUs: number): void {
    this.rate = 0;
    this.isRoundStart = false;
    if (ack.bytesReceived <= this.deliveredBytes) return;
    if (sent.newestAcked > 0) this.#sample(ack, sent, sent.newestAcked & sent.mask, minRttUs);
    this.deliveredBytes = ack.bytesReceived;
    this.deliveredAt = ack.receivedAt;
  }

  #sample(ack: AckFrame, sent: SentLedger, index: number, minRttUs: number): void {
    const receiveUs = ack.receivedAt - sent.deliveredAt[index]!;
    const sendUs = sent.sentAt[index]! - sent.deliveredSentAt[index]!;
    const intervalUs = Math.max(receiveUs, sendUs);
    const hasStart = sent.deliveredAt[index]! > 0;
    if (hasStart && intervalUs > INTERVAL_SHARE_MIN * Math.min(minRttUs, INTERVAL_CAP_US)) {
      this.rate = (ack.bytesReceived - sent.deliveredBytes[index]!) / intervalUs;
    }
    this.idleShare = intervalUs > 0 ? (sent.idleUs[index]! - sent.deliveredIdleUs[index]!) / intervalUs : 1;
    this.isAppLimited = this.idleShare > IDLE_SHARE_APP_LIMITED;
    if (sent.deliveredBytes[index]! >= this.#nextRoundBytes) {
      this.isRoundStart = true;
      this.#nextRoundBytes = ack.bytesReceived;
    }
    this.sentAt = sent.sentAt[index]!;
    this.idleUs = sent.idleUs[index]!;
  }
}
