import { DOUBLE_ZERO } from "../types.ts";

/** BBR credits at most this much time of acks that came at once (`bbr_extra_acked_max_us` in Linux' tcp_bbr.c). */
const PULSE_MAX_US = 100_000;
/** A shorter pause would not be worth its price. */
const PULSE_MIN_US = 8_000;
/** BBR's window is this many times bandwidth and minimum round trip (`bbr_cwnd_gain`). */
const WINDOW_GAIN = 2;
/** The window has to exceed the round trip by this factor, or the flow could not grow. */
const MARGIN = 1.2;
/** A wider window is filled step by step: the round trip may grow to so many times what the host has used. */
const USE_GROWTH = 1.1;
/** What came at once counts in the window of rounds in which it came and in the next one. */
const WINDOWS = 2;

/** Whether pauses can widen BBR's window from the quickest round trip to that of the bond. Where they cannot, the flow stays on the quick paths. */
export function isWithinReach(minRoundTripUs: number, bondUs: number): boolean {
  return bondUs <= WINDOW_GAIN * minRoundTripUs + PULSE_MAX_US;
}

/**
 * Short pauses of a flow's acks, which end with one ack for everything. BBR sizes its window by the smallest round trip of the last ten seconds, the quickest path's,
 * and so cannot fill a bond whose other paths are slower; but it widens the window by as much as it has seen acknowledged at once (ack aggregation), for up to ten of
 * its rounds. A pause costs what the wider window lacks to span the round trip and the pause; so there are as few as BBR's memory allows. It begins with the ack that
 * ends that memory: the one ack for all is then the first of the new one, and lasts for all of it.
 */
export class AckPulse {
  /** Acks wait until then. */
  untilUs = Number.NEGATIVE_INFINITY;
  /** What the last pause had acknowledged at once. */
  #bunchBytes = DOUBLE_ZERO;
  /** The window of BBR's rounds, see `AggregationWindows`, in which the last pause began. */
  #window = Number.NEGATIVE_INFINITY;
  #isOpen = false;
  /** The most in flight since the last pause began. */
  #flightBytes = DOUBLE_ZERO;

  /** Starts a pause if the flow's window is too small for a bond of `flowUs` and a pause can widen it enough. `window`: that of the ack at hand, which may go at `now`. */
  consider(minRoundTripUs: number, window: number, flowUs: number, now: number): void {
    if (now < this.untilUs || window < this.#window + WINDOWS) return;
    const lackingUs = MARGIN * flowUs - WINDOW_GAIN * minRoundTripUs;
    if (lackingUs < PULSE_MIN_US || !isWithinReach(minRoundTripUs, flowUs)) return;
    this.untilUs = now + Math.min(PULSE_MAX_US, lackingUs);
    this.#window = window;
    this.#isOpen = true;
    this.#flightBytes = 0;
  }

  /** So much is in flight, as the host sees it. */
  noteFlight(bytes: number): void {
    this.#flightBytes = Math.max(this.#flightBytes, bytes);
  }

  /** An ack goes to the host, for so many bytes. */
  noteAck(bytes: number, now: number): void {
    if (!this.#isOpen || now < this.untilUs) return;
    this.#isOpen = false;
    this.#bunchBytes = bytes;
  }

  /**
   * So long a round trip the host's window spans, if it has `bandwidth`, bytes per µs: what BBR allows for the round trip that it measured, and what it saw come at once.
   * A host that uses less is bounded by something else.
   */
  spanUs(minRoundTripUs: number, bandwidth: number): number {
    const allowedUs = WINDOW_GAIN * minRoundTripUs + this.#bunchBytes / bandwidth;
    return Math.min(allowedUs, (USE_GROWTH * this.#flightBytes) / bandwidth);
  }

  get hasPaused(): boolean {
    return this.#bunchBytes > 0;
  }
}
