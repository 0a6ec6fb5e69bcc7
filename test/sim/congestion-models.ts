/** What a TCP sender's congestion control sees of one ack. */
export interface AckInfo {
  readonly now: number;
  readonly rttUs: number;
  readonly ackedPackets: number;
  readonly inFlightPackets: number;
  /** A new round trip began with this ack. */
  readonly isRoundStart: boolean;
  /** Delivery rate, packets per µs; 0 = no sample. */
  readonly deliveryRate: number;
  readonly isAppLimited: boolean;
  readonly lostPackets: number;
  readonly cumulative: number;
  readonly sentHighest: number;
}

/** Congestion control of the simulated hosts. Windows in packets, rates in packets per µs (0 = unpaced). */
export interface HostCongestion {
  windowPackets: number;
  pacingRate: number;
  onAck(info: AckInfo): void;
  /** Enters recovery. */
  onLoss(now: number): void;
  onTimeout(now: number): void;
}

const INITIAL_WINDOW = 10;

/** CUBIC (RFC 9438) with HyStart as Linux has it: delay and ack train. */
export class Cubic implements HostCongestion {
  windowPackets = INITIAL_WINDOW;
  pacingRate = 0;
  slowStartThreshold = Number.POSITIVE_INFINITY;
  /** Why slow start ended, for the log. */
  exitReason = "";
  #epochAt = 0;
  #maxWindow = 0;
  #originSeconds = 0;
  #renoWindow = 0;
  #minRttUs = Number.POSITIVE_INFINITY;
  #smoothedRttUs = 0;
  // HyStart.
  #roundStartAt = 0;
  #lastAckAt = 0;
  #roundEnd = 0;
  #roundMinUs = Number.POSITIVE_INFINITY;
  #roundSamples = 0;

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
    this.onLoss(now);
    this.windowPackets = 1;
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

const BBR_CYCLE = [1.25, 0.75, 1, 1, 1, 1, 1, 1] as const;

/** BBR version 1 as Linux has it, without the long-term policer model. */
export class Bbr implements HostCongestion {
  windowPackets = INITIAL_WINDOW;
  pacingRate = 0;
  exitReason = "";
  mode: "startup" | "drain" | "probe-bw" | "probe-rtt" = "startup";
  bandwidth = 0;
  minRttUs = Number.POSITIVE_INFINITY;
  #minRttAt = 0;
  readonly #samples: { rate: number; round: number }[] = [];
  #round = 0;
  #fullBandwidth = 0;
  #fullRounds = 0;
  #cycle = 2;
  #cycleAt = 0;
  #probeRttUntil = 0;
  #priorWindow = 4;
  // Ack aggregation, as in Linux since 5.0: the window covers acks that come in bunches.
  #epochAt = 0;
  #epochAcked = 0;
  readonly #extraAcked = [0, 0];
  #extraRound = 0;
  #extraIndex = 0;

  onAck(info: AckInfo): void {
    if (info.isRoundStart) this.#round++;
    this.#updateModel(info);
    this.#advance(info);
    const gain = this.#pacingGain();
    const pipe = this.bandwidth * this.minRttUs;
    if (this.bandwidth > 0) this.pacingRate = gain * this.bandwidth * 0.99;
    const target = (this.mode === "startup" ? 2.885 : 2) * pipe + 3 + this.#aggregation(info);
    this.windowPackets =
      this.mode === "probe-rtt"
        ? 4
        : this.mode === "startup"
          ? Math.max(this.windowPackets + info.ackedPackets, INITIAL_WINDOW)
          : Math.max(4, Math.min(this.windowPackets + info.ackedPackets, target));
    if (this.mode === "startup" && pipe > 0)
      this.windowPackets = Math.max(INITIAL_WINDOW, Math.min(this.windowPackets, target));
  }

  onLoss(): void {}

  onTimeout(): void {
    this.windowPackets = 4;
  }

  #updateModel(info: AckInfo): void {
    const isLimited = info.isAppLimited || this.mode === "probe-rtt";
    if (info.deliveryRate > 0 && (!isLimited || info.deliveryRate > this.bandwidth)) {
      while (this.#samples.length > 0 && this.#samples.at(-1)!.rate <= info.deliveryRate) this.#samples.pop();
      this.#samples.push({ rate: info.deliveryRate, round: this.#round });
    }
    while (this.#samples.length > 1 && this.#samples[0]!.round < this.#round - 10) this.#samples.shift();
    this.bandwidth = this.#samples[0]?.rate ?? 0;
    const isExpired = info.now - this.#minRttAt > 10e6;
    if (info.rttUs <= this.minRttUs || isExpired) {
      if (isExpired && info.rttUs > this.minRttUs && this.mode === "probe-bw") {
        this.mode = "probe-rtt";
        this.#priorWindow = this.windowPackets;
        this.#probeRttUntil = info.now + 200_000 + info.rttUs;
      }
      this.minRttUs = info.rttUs;
      this.#minRttAt = info.now;
    }
    if (info.isRoundStart && this.mode === "startup" && !info.isAppLimited) {
      if (this.bandwidth >= this.#fullBandwidth * 1.25) {
        this.#fullBandwidth = this.bandwidth;
        this.#fullRounds = 0;
      } else if (++this.#fullRounds >= 3) {
        this.mode = "drain";
        this.exitReason = `full pipe at ${(info.now / 1e6).toFixed(2)} s`;
      }
    }
  }

  #advance(info: AckInfo): void {
    const pipe = this.bandwidth * this.minRttUs;
    if (this.mode === "drain" && info.inFlightPackets <= pipe) {
      this.mode = "probe-bw";
      this.#cycleAt = info.now;
    }
    if (this.mode === "probe-rtt" && info.now > this.#probeRttUntil) {
      this.mode = "probe-bw";
      this.windowPackets = this.#priorWindow;
    }
    if (this.mode !== "probe-bw") return;
    const gain = BBR_CYCLE[this.#cycle]!;
    const isOver = info.now - this.#cycleAt > this.minRttUs;
    const hasFilled = info.inFlightPackets >= gain * pipe || info.lostPackets > 0;
    if (gain > 1 ? isOver && hasFilled : gain < 1 ? isOver || info.inFlightPackets <= pipe : isOver) {
      this.#cycle = (this.#cycle + 1) % BBR_CYCLE.length;
      this.#cycleAt = info.now;
    }
  }

  #aggregation(info: AckInfo): number {
    if (info.isRoundStart && ++this.#extraRound >= 5) {
      this.#extraRound = 0;
      this.#extraIndex ^= 1;
      this.#extraAcked[this.#extraIndex] = 0;
    }
    const expected = this.bandwidth * (info.now - this.#epochAt);
    if (this.#epochAcked <= expected) {
      this.#epochAt = info.now;
      this.#epochAcked = 0;
    }
    this.#epochAcked += info.ackedPackets;
    const extra = this.#epochAcked - this.bandwidth * (info.now - this.#epochAt);
    const bounded = Math.min(extra, this.windowPackets);
    if (bounded > this.#extraAcked[this.#extraIndex]!) this.#extraAcked[this.#extraIndex] = bounded;
    const isFull = this.mode !== "startup";
    return isFull ? Math.min(Math.max(...this.#extraAcked), this.bandwidth * 100_000) : 0;
  }

  #pacingGain(): number {
    if (this.mode === "startup") return 2.885;
    if (this.mode === "drain") return 1 / 2.885;
    return this.mode === "probe-bw" ? BBR_CYCLE[this.#cycle]! : 1;
  }
}
