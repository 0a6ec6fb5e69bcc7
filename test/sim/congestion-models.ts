import type { RateSample } from "./delivery-rate.ts";

/** What a TCP sender's congestion control sees of one ack. */
export interface AckInfo {
  readonly now: number;
  readonly rttUs: number;
  readonly ackedPackets: number;
  /** Before and after what the ack acknowledges and what it shows to be lost. */
  readonly priorInFlightPackets: number;
  readonly inFlightPackets: number;
  readonly lostPackets: number;
  readonly isRecovering: boolean;
  readonly sample: RateSample;
  /** When pacing lets the next packet go. */
  readonly departAt: number;
  readonly cumulative: number;
  readonly sentHighest: number;
}

/** Congestion control of the simulated hosts. Windows in packets, rates in packets per µs (0 = unpaced). */
export interface HostCongestion {
  windowPackets: number;
  pacingRate: number;
  /** Packets that pacing lets go at once, and how far ahead of their time they may go. */
  readonly burstPackets: number;
  readonly pacingLeadUs: number;
  /** Why slow start ended, for the log. */
  readonly exitReason: string;
  onConnected(rttUs: number, now: number): void;
  onAck(info: AckInfo): void;
  /** Enters recovery. */
  onLoss(now: number): void;
  onTimeout(now: number): void;
  /** Nothing was lost after all. */
  onSpuriousTimeout(): void;
}

const INITIAL_WINDOW = 10;
/** Packets that a host without fq may send back to back: one TSO burst of a millisecond. */
const BURST_US = 1_000;

/** CUBIC (RFC 9438) with HyStart as Linux has it: delay and ack train. */
export class Cubic implements HostCongestion {
  windowPackets = INITIAL_WINDOW;
  pacingRate = 0;
  readonly burstPackets = 1;
  readonly pacingLeadUs = BURST_US;
  slowStartThreshold = Number.POSITIVE_INFINITY;
  exitReason = "";
  #epochAt = 0;
  #maxWindow = 0;
  #originSeconds = 0;
  #renoWindow = 0;
  #minRttUs = Number.POSITIVE_INFINITY;
  #smoothedRttUs = 0;
  /** Before the last timeout. */
  #priorWindow = 0;
  #priorThreshold = 0;
  // HyStart.
  #roundStartAt = 0;
  #lastAckAt = 0;
  #roundEnd = 0;
  #roundMinUs = Number.POSITIVE_INFINITY;
  #roundSamples = 0;

  onConnected(): void {}

  onAck(info: AckInfo): void {
    this.#minRttUs = Math.min(this.#minRttUs, info.rttUs);
    this.#smoothedRttUs += (info.rttUs - this.#smoothedRttUs) * (this.#smoothedRttUs === 0 ? 1 : 1 / 8);
    if (this.windowPackets < this.slowStartThreshold) {
      this.#hystart(info);
      if (info.inFlightPackets + info.ackedPackets >= this.windowPackets / 2) this.windowPackets += info.ackedPackets;
    } else if (info.inFlightPackets + info.ackedPackets >= this.windowPackets * 0.9) {
      this.#avoidCongestion(info);
    }
    const gain = this.windowPackets < this.slowStartThreshold / 2 ? 2 : 1.2;
    this.pacingRate = (gain * this.windowPackets) / this.#smoothedRttUs;
  }

  onLoss(now: number): void {
    this.#epochAt = 0;
    this.#maxWindow = this.windowPackets < this.#maxWindow ? this.windowPackets * 0.85 : this.windowPackets;
    this.windowPackets = Math.max(2, this.windowPackets * 0.7);
    if (this.exitReason === "")
      this.exitReason = `loss at ${(now / 1e6).toFixed(2)} s, window ${this.#maxWindow.toFixed(0)}`;
    this.slowStartThreshold = this.windowPackets;
  }

  onTimeout(now: number): void {
    if (this.windowPackets > 1) {
      this.#priorWindow = this.windowPackets;
      this.#priorThreshold = this.slowStartThreshold;
    }
    this.onLoss(now);
    // `bictcp_state`: what was known of the path is forgotten.
    this.#maxWindow = 0;
    this.windowPackets = 1;
  }

  onSpuriousTimeout(): void {
    this.windowPackets = Math.max(this.windowPackets, this.#priorWindow);
    this.slowStartThreshold = Math.max(this.slowStartThreshold, this.#priorThreshold);
  }

  #hystart(info: AckInfo): void {
    const { now, rttUs } = info;
    if (info.cumulative > this.#roundEnd) {
      this.#roundEnd = info.sentHighest;
      this.#roundStartAt = now;
      this.#lastAckAt = now;
      this.#roundMinUs = Number.POSITIVE_INFINITY;
      this.#roundSamples = 0;
    }
    if (this.windowPackets < 16) return;
    if (now - this.#lastAckAt <= 2_000) {
      this.#lastAckAt = now;
      // Linux halves the threshold for senders that pace less than this.
      if (now - this.#roundStartAt > this.#minRttUs / 2) this.#exit("ack train", now);
    }
    this.#roundMinUs = Math.min(this.#roundMinUs, rttUs);
    if (++this.#roundSamples > 8) {
      const allowanceUs = Math.min(16_000, Math.max(4_000, this.#minRttUs / 8));
      if (this.#roundMinUs > this.#minRttUs + allowanceUs) this.#exit("delay", now);
    }
  }

  #exit(reason: string, now: number): void {
    if (this.slowStartThreshold !== Number.POSITIVE_INFINITY) return;
    this.slowStartThreshold = this.windowPackets;
    this.exitReason = `${reason} at ${(now / 1e6).toFixed(2)} s, window ${this.windowPackets.toFixed(0)}`;
  }

  #avoidCongestion(info: AckInfo): void {
    if (this.#epochAt === 0) {
      this.#epochAt = info.now;
      this.#renoWindow = this.windowPackets;
      this.#maxWindow = Math.max(this.#maxWindow, this.windowPackets);
      this.#originSeconds = Math.cbrt((this.#maxWindow - this.windowPackets) / 0.4);
    }
    const seconds = (info.now - this.#epochAt + this.#minRttUs) / 1e6;
    const target = 0.4 * (seconds - this.#originSeconds) ** 3 + this.#maxWindow;
    const growth =
      target > this.windowPackets ? (target - this.windowPackets) / this.windowPackets : 0.01 / this.windowPackets;
    this.#renoWindow += (0.53 * info.ackedPackets) / this.windowPackets;
    this.windowPackets += Math.min(0.5, growth) * info.ackedPackets;
    if (this.#renoWindow > this.windowPackets) this.windowPackets = this.#renoWindow;
  }
}
