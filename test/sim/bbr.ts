import type { AckInfo, HostCongestion } from "./congestion-models.ts";
import type { DeliveryRate } from "./delivery-rate.ts";
import { Random } from "./random.ts";
import { WindowedMax } from "./windowed-max.ts";

/** From net/ipv4/tcp_bbr.c. */
const HIGH_GAIN = 2.885;
const CWND_GAIN = 2;
const PACING_GAINS = [1.25, 0.75, 1, 1, 1, 1, 1, 1] as const;
/** The first phase is any but the one that drains. */
const CYCLE_RANDOM = 7;
const PACING_MARGIN = 0.99;
const BANDWIDTH_ROUNDS = 10;
const FULL_GROWTH = 1.25;
const FULL_ROUNDS = 3;
const MIN_WINDOW = 4;
const MIN_RTT_WINDOW_US = 10e6;
const PROBE_RTT_US = 200_000;
const EXTRA_ACKED_ROUNDS = 5;
const EXTRA_ACKED_MAX_US = 100_000;
const INITIAL_WINDOW = 10;
/** A paced burst is a millisecond long (`sk_pacing_shift`), has at least two packets, and fits into one offloaded segment of 64 KiB. */
const BURST_US = 1_024;
const BURST_MIN = 2;
const BURST_MAX = 45;

/** BBR version 1 as in Linux' net/ipv4/tcp_bbr.c, function by function, without its model of policers, ECN and DSACK. */
export class Bbr implements HostCongestion {
  windowPackets = INITIAL_WINDOW;
  pacingRate = 0;
  readonly pacingLeadUs = 0;
  exitReason = "";
  mode: "startup" | "drain" | "probe-bw" | "probe-rtt" = "startup";
  minRttUs = 0;
  readonly #rate: DeliveryRate;
  readonly #random: Random;
  readonly #bandwidth = new WindowedMax(BANDWIDTH_ROUNDS);
  #minRttAt = 0;
  #round = 0;
  #isRoundStart = false;
  #nextRoundDelivered = 0;
  #isFull = false;
  #fullBandwidth = 0;
  #fullRounds = 0;
  #cycle = 0;
  #cycleAt = 0;
  #probeRttDoneAt = 0;
  #isProbeRttRoundDone = false;
  #priorWindow = 0;
  #wasRecovering = false;
  #isConserving = false;
  #epochAt = 0;
  #epochAcked = 0;
  readonly #extraAcked = [0, 0];
  #extraRounds = 0;
  #extraIndex = 0;

  constructor(rate: DeliveryRate, seed: number) {
    this.#rate = rate;
    this.#random = new Random(seed);
  }

  /** Packets per µs. */
  get bandwidth(): number {
    return this.#bandwidth.value;
  }

  get burstPackets(): number {
    return Math.min(BURST_MAX, Math.max(BURST_MIN, Math.floor(this.pacingRate * BURST_US)));
  }

  onConnected(rttUs: number, now: number): void {
    this.minRttUs = rttUs;
    this.#minRttAt = now;
    this.#epochAt = now;
    this.pacingRate = (PACING_MARGIN * HIGH_GAIN * INITIAL_WINDOW) / rttUs;
  }

  onAck(info: AckInfo): void {
    this.#updateBandwidth(info);
    this.#updateAggregation(info);
    this.#updateCycle(info);
    this.#checkFull(info);
    this.#checkDrain(info);
    this.#updateMinRtt(info);
    const rate = this.#pacingGain() * this.bandwidth * PACING_MARGIN;
    if (this.#isFull || rate > this.pacingRate) this.pacingRate = rate;
    this.#setWindow(info);
  }

  onLoss(): void {
    this.#saveWindow();
  }

  onTimeout(): void {
    this.#saveWindow();
    this.windowPackets = 1;
    this.#wasRecovering = true;
    this.#fullBandwidth = 0;
    this.#isRoundStart = true;
  }

  /** The window comes back with the end of the recovery. */
  onSpuriousTimeout(): void {
    this.#fullBandwidth = 0;
    this.#fullRounds = 0;
  }

  #updateBandwidth({ sample }: AckInfo): void {
    this.#isRoundStart = false;
    if (!isValid(sample)) return;
    if (sample.priorDelivered >= this.#nextRoundDelivered) {
      this.#nextRoundDelivered = this.#rate.delivered;
      this.#round++;
      this.#isRoundStart = true;
      this.#isConserving = false;
    }
    const bandwidth = sample.delivered / sample.intervalUs;
    if (!sample.isAppLimited || bandwidth >= this.bandwidth) this.#bandwidth.update(bandwidth, this.#round);
  }

  #updateAggregation({ sample, ackedPackets, now }: AckInfo): void {
    if (!isValid(sample)) return;
    if (this.#isRoundStart && ++this.#extraRounds >= EXTRA_ACKED_ROUNDS) {
      this.#extraRounds = 0;
      this.#extraIndex ^= 1;
      this.#extraAcked[this.#extraIndex] = 0;
    }
    let expected = this.bandwidth * (now - this.#epochAt);
    if (this.#epochAcked <= expected) {
      this.#epochAcked = 0;
      this.#epochAt = now;
      expected = 0;
    }
    this.#epochAcked += ackedPackets;
    const extra = Math.min(this.#epochAcked - expected, this.windowPackets);
    if (extra > this.#extraAcked[this.#extraIndex]!) this.#extraAcked[this.#extraIndex] = extra;
  }

  #updateCycle(info: AckInfo): void {
    if (this.mode !== "probe-bw") return;
    const gain = PACING_GAINS[this.#cycle]!;
    const isFullLength = info.now - this.#cycleAt > this.minRttUs;
    const inFlight = this.#inFlightAtDeparture(info.priorInFlightPackets, info);
    const isOver =
      gain === 1
        ? isFullLength
        : gain > 1
          ? isFullLength && (info.lostPackets > 0 || inFlight >= this.#inFlightTarget(gain))
          : isFullLength || inFlight <= this.#inFlightTarget(1);
    if (isOver) this.#advanceCycle(info.now);
  }

  #checkFull({ sample, now }: AckInfo): void {
    if (this.#isFull || !this.#isRoundStart || sample.isAppLimited) return;
    if (this.bandwidth >= this.#fullBandwidth * FULL_GROWTH) {
      this.#fullBandwidth = this.bandwidth;
      this.#fullRounds = 0;
      return;
    }
    this.#isFull = ++this.#fullRounds >= FULL_ROUNDS;
    if (this.#isFull) this.exitReason = `full pipe at ${(now / 1e6).toFixed(2)} s`;
  }

  #checkDrain(info: AckInfo): void {
    if (this.mode === "startup" && this.#isFull) this.mode = "drain";
    const inFlight = this.#inFlightAtDeparture(info.inFlightPackets, info);
    if (this.mode === "drain" && inFlight <= this.#inFlightTarget(1)) this.#enterProbeBandwidth(info.now);
  }

  #updateMinRtt(info: AckInfo): void {
    const { now, rttUs } = info;
    const isExpired = now > this.#minRttAt + MIN_RTT_WINDOW_US;
    if (rttUs < this.minRttUs || isExpired) {
      this.minRttUs = rttUs;
      this.#minRttAt = now;
    }
    if (isExpired && this.mode !== "probe-rtt") {
      this.mode = "probe-rtt";
      this.#saveWindow();
      this.#probeRttDoneAt = 0;
    }
    if (this.mode !== "probe-rtt") return;
    this.#rate.markAppLimited(info.inFlightPackets);
    if (this.#probeRttDoneAt === 0 && info.inFlightPackets <= MIN_WINDOW) {
      this.#probeRttDoneAt = now + PROBE_RTT_US;
      this.#isProbeRttRoundDone = false;
      this.#nextRoundDelivered = this.#rate.delivered;
    } else if (this.#probeRttDoneAt > 0) {
      if (this.#isRoundStart) this.#isProbeRttRoundDone = true;
      if (this.#isProbeRttRoundDone && now > this.#probeRttDoneAt) this.#leaveProbeRtt(now);
    }
  }

  #leaveProbeRtt(now: number): void {
    this.#minRttAt = now;
    this.windowPackets = Math.max(this.windowPackets, this.#priorWindow);
    if (this.#isFull) this.#enterProbeBandwidth(now);
    else this.mode = "startup";
  }

  #setWindow(info: AckInfo): void {
    if (info.ackedPackets > 0 && !this.#conserve(info)) {
      const gain = this.mode === "probe-bw" ? CWND_GAIN : this.mode === "probe-rtt" ? 1 : HIGH_GAIN;
      const target = this.#quantize(Math.ceil(gain * this.bandwidth * this.minRttUs) + this.#aggregation());
      if (this.#isFull) this.windowPackets = Math.min(this.windowPackets + info.ackedPackets, target);
      else if (this.windowPackets < target || this.#rate.delivered < INITIAL_WINDOW)
        this.windowPackets += info.ackedPackets;
      this.windowPackets = Math.max(this.windowPackets, MIN_WINDOW);
    }
    if (this.mode === "probe-rtt") this.windowPackets = Math.min(this.windowPackets, MIN_WINDOW);
  }

  /** `bbr_set_cwnd_to_recover_or_restore`: in the first round of a recovery, an ack lets out what it acknowledges. */
  #conserve({ lostPackets, isRecovering, inFlightPackets, ackedPackets }: AckInfo): boolean {
    this.windowPackets = Math.max(this.windowPackets - lostPackets, 1);
    if (isRecovering && !this.#wasRecovering) {
      this.#isConserving = true;
      this.#nextRoundDelivered = this.#rate.delivered;
      this.windowPackets = inFlightPackets + ackedPackets;
    } else if (!isRecovering && this.#wasRecovering) {
      this.windowPackets = Math.max(this.windowPackets, this.#priorWindow);
      this.#isConserving = false;
    }
    this.#wasRecovering = isRecovering;
    if (this.#isConserving) this.windowPackets = Math.max(this.windowPackets, inFlightPackets + ackedPackets);
    return this.#isConserving;
  }

  #saveWindow(): void {
    const isCut = this.#wasRecovering || this.mode === "probe-rtt";
    this.#priorWindow = isCut ? Math.max(this.#priorWindow, this.windowPackets) : this.windowPackets;
  }

  #enterProbeBandwidth(now: number): void {
    this.mode = "probe-bw";
    this.#cycle = PACING_GAINS.length - 1 - this.#random.integer(0, CYCLE_RANDOM - 1);
    this.#advanceCycle(now);
  }

  #advanceCycle(now: number): void {
    this.#cycle = (this.#cycle + 1) % PACING_GAINS.length;
    this.#cycleAt = now;
  }

  #aggregation(): number {
    return this.#isFull ? Math.min(Math.max(...this.#extraAcked), this.bandwidth * EXTRA_ACKED_MAX_US) : 0;
  }

  #inFlightTarget(gain: number): number {
    return this.#quantize(Math.ceil(gain * this.bandwidth * this.minRttUs));
  }

  #quantize(window: number): number {
    const even = 2 * Math.ceil((Math.floor(window) + 3 * this.burstPackets) / 2);
    return this.mode === "probe-bw" && this.#cycle === 0 ? even + 2 : even;
  }

  /** `bbr_packets_in_net_at_edt`: what will be in flight when the next burst departs. */
  #inFlightAtDeparture(inFlightPackets: number, { now, departAt }: AckInfo): number {
    const delivered = Math.floor(this.bandwidth * Math.max(0, departAt - now));
    const burst = this.#pacingGain() > 1 ? this.burstPackets : 0;
    return Math.max(0, inFlightPackets + burst - delivered);
  }

  #pacingGain(): number {
    if (this.mode === "startup") return HIGH_GAIN;
    if (this.mode === "drain") return 1 / HIGH_GAIN;
    return this.mode === "probe-bw" ? PACING_GAINS[this.#cycle]! : 1;
  }
}

function isValid({ delivered, intervalUs }: AckInfo["sample"]): boolean {
  return delivered >= 0 && intervalUs > 0;
}
