/** What one ack says about the rate of delivery: `struct rate_sample` of Linux. */
export interface RateSample {
  /** What had been delivered when the newest of the acknowledged packets was sent. */
  priorDelivered: number;
  /** Packets delivered since then; -1 = no sample. */
  delivered: number;
  intervalUs: number;
  isAppLimited: boolean;
}

/** Rate samples per ack as in Linux' net/ipv4/tcp_rate.c. Packets are named by their index in the sender's ring. */
export class DeliveryRate {
  /** Packets delivered in all; the SYN counts. */
  delivered = 1;
  /** When the newest of them was acknowledged. */
  deliveredAt = 0;
  readonly sample: RateSample = { priorDelivered: 0, delivered: -1, intervalUs: -1, isAppLimited: false };
  readonly #sentAt: Float64Array;
  readonly #firstSentAtSend: Float64Array;
  readonly #deliveredAtSend: Float64Array;
  readonly #deliveredCountAtSend: Float64Array;
  readonly #isAppLimitedAtSend: Uint8Array;
  /** Send time of the packet that was acknowledged last: where the send phase of the next sample begins. */
  #firstSentAt = 0;
  #priorDeliveredAt = 0;
  #newest = -1;
  /** The bubble is gone when so much is delivered; 0 = no bubble. */
  #appLimitedUntil = 0;

  constructor(ring: number) {
    this.#sentAt = new Float64Array(ring);
    this.#firstSentAtSend = new Float64Array(ring);
    this.#deliveredAtSend = new Float64Array(ring);
    this.#deliveredCountAtSend = new Float64Array(ring);
    this.#isAppLimitedAtSend = new Uint8Array(ring);
  }

  /** `tcp_rate_skb_sent`. */
  noteSent(index: number, isNothingOut: boolean, now: number): void {
    if (isNothingOut) {
      this.#firstSentAt = now;
      this.deliveredAt = now;
    }
    this.#sentAt[index] = now;
    this.#firstSentAtSend[index] = this.#firstSentAt;
    this.#deliveredAtSend[index] = this.deliveredAt;
    this.#deliveredCountAtSend[index] = this.delivered;
    this.#isAppLimitedAtSend[index] = this.#appLimitedUntil > 0 ? 1 : 0;
  }

  /** `tcp_rate_skb_delivered`: the packet that was sent last is what counts. Packets of one ack come in the order of their numbers. */
  noteDelivered(index: number): void {
    this.delivered++;
    const sentAt = this.#sentAt[index]!;
    if (this.#newest >= 0 && sentAt < this.#firstSentAt) return;
    this.#newest = index;
    this.sample.priorDelivered = this.#deliveredCountAtSend[index]!;
    this.sample.isAppLimited = this.#isAppLimitedAtSend[index] === 1;
    this.#priorDeliveredAt = this.#deliveredAtSend[index]!;
    this.#firstSentAt = sentAt;
    this.sample.intervalUs = sentAt - this.#firstSentAtSend[index]!;
  }

  /** `tcp_rate_gen`: completes the sample of an ack. Send and ack phase are pipelined, and the longer one counts. */
  generate(minRttUs: number, now: number): RateSample {
    const { sample } = this;
    if (this.delivered > this.#appLimitedUntil) this.#appLimitedUntil = 0;
    this.deliveredAt = now;
    sample.delivered = this.delivered - sample.priorDelivered;
    sample.intervalUs = Math.max(sample.intervalUs, now - this.#priorDeliveredAt);
    if (this.#newest < 0) sample.delivered = -1;
    if (this.#newest < 0 || sample.intervalUs < minRttUs) sample.intervalUs = -1;
    this.#newest = -1;
    return sample;
  }

  /** `tcp_rate_check_app_limited`: there was nothing to send, or the congestion control does not want to know. */
  markAppLimited(inFlightPackets: number): void {
    this.#appLimitedUntil = this.delivered + inFlightPackets;
  }
}
