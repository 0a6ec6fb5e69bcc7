import { DOUBLE_ZERO } from "../types.ts";

/** BBR credits at most this much time of acks that came at once (`bbr_extra_acked_max_us` in Linux' tcp_bbr.c). */
const PULSE_MAX_US = 100_000;
/** A shorter pause would not be worth its price. */
const PULSE_MIN_US = 8_000;
/** BBR remembers what came at once for five to ten of its rounds (`bbr_extra_acked_win_rtts`): each of its windows of five needs a pause. */
const PERIOD_ROUNDS = 5;
/** BBR's window is this many times bandwidth and minimum round trip (`bbr_cwnd_gain`). */
const WINDOW_GAIN = 2;
/** The window has to exceed the round trip by this factor, or the flow could not grow. */
const MARGIN = 1.2;

/** After slow start, BBR drains what is under way beyond bandwidth and minimum round trip, and fills its window again up to about this share of the most there was. */
const REFILLED_SHARE = 0.8;
/** It is done after so many round trips of the bond. */
const DRAIN_ROUNDS = 4;

/** Whether pauses can widen BBR's window from the quickest round trip to that of the bond. Where they cannot, the flow stays on the quick paths. */
export function isWithinReach(minRoundTripUs: number, bondUs: number): boolean {
  return bondUs <= WINDOW_GAIN * minRoundTripUs + PULSE_MAX_US;
}

/**
 * Short pauses of a flow's acks, which end with one ack for everything. BBR sizes its window by the smallest round trip of the last ten seconds, the quickest path's,
 * and so cannot fill a bond whose other paths are slower; but it widens the window by as much as it has seen acknowledged at once (ack aggregation).
 * A pause now and then teaches it the width that the bond needs.
 */
export class AckPulse {
  /** Acks wait until then. */
  untilUs = Number.NEGATIVE_INFINITY;
  /** The most that was under way to the other host in the last pause that ended. */
  flightBytes = DOUBLE_ZERO;
  hasEnded = false;
  #mostBytes = 0;
  /** The most that was ever under way before the first pause ended, and when slow start was seen last. */
  #peakBytes = 0;
  #startingAt = -0.5;

  /** Starts a pause if the flow's window is too small for a bond of `flowUs` and a pause can widen it enough. */
  consider(minRoundTripUs: number, roundTripUs: number, flowUs: number, now: number): void {
    if (now - this.untilUs < PERIOD_ROUNDS * Math.max(flowUs, roundTripUs)) return;
    const lackingUs = MARGIN * flowUs - WINDOW_GAIN * minRoundTripUs;
    if (lackingUs < PULSE_MIN_US || !isWithinReach(minRoundTripUs, flowUs)) return;
    this.untilUs = now + Math.min(PULSE_MAX_US, lackingUs);
  }

  /** Bytes under way as an ack arrives. */
  noteFlight(bytes: number, isStarting: boolean, now: number): void {
    if (isStarting) this.#startingAt = now;
    if (!this.hasEnded) this.#peakBytes = Math.max(this.#peakBytes, bytes);
    if (now <= this.untilUs) {
      this.#mostBytes = Math.max(this.#mostBytes, bytes);
    } else if (this.#mostBytes > 0) {
      this.flightBytes = this.#mostBytes;
      this.hasEnded = true;
      this.#mostBytes = 0;
    }
  }

  /** Whether the host still drains what slow start has put on its way, and a pause would find little to have acknowledged at once. */
  isDraining(outstandingBytes: number, bondUs: number, now: number): boolean {
    const isLow = outstandingBytes < REFILLED_SHARE * this.#peakBytes;
    return !this.hasEnded && isLow && now - this.#startingAt <= DRAIN_ROUNDS * bondUs;
  }
}
