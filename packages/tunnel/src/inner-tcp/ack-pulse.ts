/** BBR credits at most this much time of acks that came at once (`bbr_extra_acked_max_us` in Linux' tcp_bbr.c). */
const PULSE_MAX_US = 100_000;
/** A shorter pause would not be worth its price. */
const PULSE_MIN_US = 8_000;
/** BBR remembers what came at once for five to ten of its rounds (`bbr_extra_acked_win_rtts`). */
const PERIOD_ROUNDS = 6;
/** A window that is wide enough is looked at this often. */
const WIDE_PERIOD_ROUNDS = 24;
/** The end of a pause, in which a sender with a small window has long stopped. */
const LATE_SHARE = 1 / 3;
/** BBR's window is this many times bandwidth and minimum round trip (`bbr_cwnd_gain`). */
const WINDOW_GAIN = 2;
/** The window has to exceed the round trip by this factor, or the flow could not grow. */
const MARGIN = 1.2;
/** A sender that sends more than this share of what a pause had held back within the first quarter of its length does not pace. */
const BURST_SHARE = 0.6;

/** Whether pauses can widen BBR's window from the quickest round trip to that of the bond. Where they cannot, the flow stays on the quick paths. */
export function isWithinReach(minRoundTripUs: number, bondUs: number): boolean {
  return bondUs <= WINDOW_GAIN * minRoundTripUs + PULSE_MAX_US;
}

/**
 * Short pauses of a flow's acks, which end with one ack for everything. BBR sizes its window by the smallest round trip of the last ten seconds, the quickest path's,
 * and so cannot fill a bond whose other paths are slower; but it widens the window by as much as it has seen acknowledged at once (ack aggregation).
 * A pause now and then teaches it the width that the bond needs. A sender that does not pace is no BBR: it is paused once and then left alone.
 */
export class AckPulse {
  /** Acks wait until then. */
  untilUs = Number.NEGATIVE_INFINITY;
  #lengthUs = 0.5;
  #earlyBytes = 0;
  #bytes = 0;
  #lateBytes = 0;
  /** The sender went on at more than half of its rate until the end of the last pause: not its window limits it. */
  #hasWideWindow = false;
  #isUseless = false;
  /** The end of a pause has shown that the sender paces. */
  isPaced = false;

  /** Starts a pause if the flow's window is too small for a bond of `flowUs` and a pause can widen it enough. */
  consider(minRoundTripUs: number, roundTripUs: number, flowUs: number, now: number): void {
    const rounds = this.#hasWideWindow ? WIDE_PERIOD_ROUNDS : PERIOD_ROUNDS;
    if (this.#isUseless || now - this.untilUs < rounds * Math.max(flowUs, roundTripUs)) return;
    const lackingUs = MARGIN * flowUs - WINDOW_GAIN * minRoundTripUs;
    if (lackingUs < PULSE_MIN_US || !isWithinReach(minRoundTripUs, flowUs)) return;
    if (this.#bytes > 0 && this.#earlyBytes > BURST_SHARE * this.#bytes) {
      this.#isUseless = true;
      return;
    }
    this.isPaced = this.#bytes > 0;
    this.#hasWideWindow = this.#lateBytes > (LATE_SHARE * this.#bytes) / 2;
    this.#lengthUs = Math.min(PULSE_MAX_US, lackingUs);
    this.untilUs = now + this.#lengthUs;
    this.#earlyBytes = 0;
    this.#bytes = 0;
    this.#lateBytes = 0;
  }

  /** Data that comes in shows how the sender takes the end of a pause. */
  noteData(bytes: number, now: number): void {
    const sinceUs = now - this.untilUs;
    if (sinceUs > this.#lengthUs) return;
    if (sinceUs < 0) {
      if (sinceUs > -this.#lengthUs * LATE_SHARE) this.#lateBytes += bytes;
      return;
    }
    this.#bytes += bytes;
    if (sinceUs < this.#lengthUs / 4) this.#earlyBytes += bytes;
  }
}
