/** Packets (quic-go's `initialCongestionWindow`, `minCongestionWindowPackets`, `maxBurstPackets`). */
const INITIAL_WINDOW = 32;
const MIN_WINDOW = 2;
const BURST_PACKETS = 3;
const RENO_BETA = 0.7;
/** Hybrid slow start (`hybrid_slow_start.go`). */
const HYSTART_SAMPLES = 8;
const HYSTART_LOW_WINDOW = 16;

/**
 * The congestion control that quic-go gives every connection (internal/congestion: `cubicSender` with `reno`, `HybridSlowStart`): New Reno whose slow start ends when the
 * smallest of a round's first eight round trips exceeds the connection's smallest by an eighth, 4 to 16 ms. Windows in packets.
 */
export class QuicReno {
  windowPackets = INITIAL_WINDOW;
  slowStartThreshold = Number.POSITIVE_INFINITY;
  /** Why slow start ended, for the log. */
  exitReason = "";
  cutbacks = 0;
  #highestSent = -1;
  #highestAcked = -1;
  #sentAtCutback = -1;
  #ackedSinceGrowth = 0;
  // Hybrid slow start.
  #hasRound = false;
  #roundEnd = -1;
  #roundMinUs = 0;
  #roundSamples = 0;

  get isInSlowStart(): boolean {
    return this.windowPackets < this.slowStartThreshold;
  }

  onSent(number: number): void {
    this.#highestSent = number;
  }

  /** An ack newly acknowledged the largest packet that it names. Called before {@link onAcked} of its packets. */
  onRoundTrip(latestUs: number, minUs: number, now: number): void {
    if (!this.isInSlowStart) return;
    if (!this.#hasRound) {
      this.#hasRound = true;
      this.#roundEnd = this.#highestSent;
      this.#roundMinUs = Number.POSITIVE_INFINITY;
      this.#roundSamples = 0;
    }
    if (++this.#roundSamples > HYSTART_SAMPLES) return;
    this.#roundMinUs = Math.min(this.#roundMinUs, latestUs);
    const allowanceUs = Math.min(16_000, Math.max(4_000, minUs / 8));
    const hasGrown = this.#roundSamples === HYSTART_SAMPLES && this.#roundMinUs > minUs + allowanceUs;
    if (!hasGrown || this.windowPackets < HYSTART_LOW_WINDOW) return;
    this.slowStartThreshold = this.windowPackets;
    this.#noteExit(`delay ${(this.#roundMinUs / 1e3).toFixed(0)} ms`, now);
  }

  onAcked(number: number, inFlightPackets: number): void {
    this.#highestAcked = Math.max(this.#highestAcked, number);
    if (this.#highestAcked <= this.#sentAtCutback) return;
    if (this.#isWindowLimited(inFlightPackets)) this.#grow();
    if (this.isInSlowStart && number > this.#roundEnd) this.#hasRound = false;
  }

  onLost(number: number, now: number): void {
    if (number <= this.#sentAtCutback) return;
    if (this.isInSlowStart) this.#noteExit("loss", now);
    this.windowPackets = Math.max(MIN_WINDOW, this.windowPackets * RENO_BETA);
    this.slowStartThreshold = this.windowPackets;
    this.#sentAtCutback = this.#highestSent;
    this.#ackedSinceGrowth = 0;
    this.cutbacks++;
  }

  #grow(): void {
    if (this.isInSlowStart) {
      this.windowPackets++;
    } else if (++this.#ackedSinceGrowth >= Math.floor(this.windowPackets)) {
      this.windowPackets++;
      this.#ackedSinceGrowth = 0;
    }
  }

  #isWindowLimited(inFlightPackets: number): boolean {
    if (this.isInSlowStart && inFlightPackets > this.windowPackets / 2) return true;
    return this.windowPackets - inFlightPackets <= BURST_PACKETS;
  }

  #noteExit(reason: string, now: number): void {
    this.exitReason = `${reason} at ${(now / 1e6).toFixed(2)} s, window ${this.windowPackets.toFixed(0)}`;
  }
}
