import { DOUBLE_ZERO } from "../types.ts";
import type { FlowWatch } from "./flow-watch.ts";
import { distance } from "./tcp-packet.ts";

/** Initial window, RFC 6928 §2. */
const INITIAL_BYTES = 14_600;
/** STARTUP's window grows up to so many times bandwidth and minimum round trip (`bbr_high_gain` in Linux' tcp_bbr.c), … */
const HIGH_GAIN = 2.885;
/** … and three bursts of a millisecond at its pace (`bbr_quantization_budget`, `sk_pacing_shift`). */
const BURSTS_US = 3_000;
/** The acks begin to wait so far below the bound: beyond it, the window no longer grows. */
const BOUND_SHARE = 0.97;
/** The host knows half of what the near paths carry: earlier, a bunch would show the bond to a window that is far too small for it, and put a burst of CUBIC's in our queue. */
const NEAR_PART = 0.5;
/** If the host does not fill its window, its acks are let go after so many round trips of the bond. */
const PATIENCE_ROUNDS = 2;
/** What came from the host is recorded at this distance. */
const GRAIN_US = 4_000;
const RECORDS = 64;

/**
 * One ack for a whole window, at the right moment of BBR's STARTUP. `bbr_set_cwnd` compares the window with its bound before it adds what an ack covers, and STARTUP
 * never cuts: a single ack for a window just below the bound doubles it. What is in flight then shows BBR what the slow paths add, before it takes the quick ones'
 * bandwidth for all there is. The moment is found by doing as the host does: its bandwidth as in tcp_rate.c, its window as in tcp_bbr.c.
 */
export class StartupBunch {
  /** `waiting`: acks wait until the host has filled its window, and all of it is acknowledged. `showing`: the window is wide, and its round trip should be the bond's. */
  phase: "seeking" | "waiting" | "showing" | "over" = "seeking";
  /** So long acks wait at most. */
  untilUs = 0.5;
  /** The host's bandwidth, bytes per µs, and window. */
  #bandwidth = 0.5;
  #windowBytes = INITIAL_BYTES;
  /** Highest acknowledgement that went to the host, and when. */
  #acknowledged = DOUBLE_ZERO;
  #emittedAt = -0.5;
  /** Data that came; what the host had seen acknowledged by then, and since when. */
  readonly #sequences = new Uint32Array(RECORDS);
  readonly #delivered = new Uint32Array(RECORDS);
  readonly #deliveredAt = new Float64Array(RECORDS);
  #head = 0;
  #tail = 0;
  #recordedAt = -0.5;

  constructor(sequence: number) {
    this.#acknowledged = sequence;
    this.#bandwidth = 0;
  }

  /** Data up to `endSequence` has come from the host. */
  noteData(endSequence: number, now: number): void {
    if (this.phase !== "seeking" || now - this.#recordedAt < GRAIN_US || this.#tail - this.#head >= RECORDS) return;
    this.#recordedAt = now;
    const index = this.#tail++ % RECORDS;
    this.#sequences[index] = endSequence;
    this.#delivered[index] = this.#acknowledged;
    this.#deliveredAt[index] = this.#emittedAt >= 0 ? this.#emittedAt : now;
  }

  /** An ack goes to the host, whose smallest round trip so far is `minRoundTripUs`. */
  noteAck(acknowledgement: number, minRoundTripUs: number, now: number): void {
    if (this.phase !== "seeking" && this.phase !== "waiting") return;
    this.#sampleBandwidth(acknowledgement, now);
    const newBytes = Math.max(0, distance(acknowledgement, this.#acknowledged));
    if (this.#windowBytes < Math.max(2 * INITIAL_BYTES, boundBytes(this.#bandwidth, minRoundTripUs)))
      this.#windowBytes += newBytes;
    this.#acknowledged = acknowledgement;
    this.#emittedAt = now;
  }

  /**
   * Whether the acks at hand would take the window up to its bound, with what they tell the host of its bandwidth: then the newest waits, and all that follow.
   * `nearRate`, bytes per µs: what those paths carry that are about as quick as the quickest. `bondUs`: the bond's round trip.
   */
  begin(watch: FlowWatch, nearRate: number, minRoundTripUs: number, bondUs: number, now: number): boolean {
    if (this.phase !== "seeking") return false;
    const bandwidth = Math.max(
      this.#bandwidth,
      this.#sample(this.#newest(watch.acknowledged), watch.acknowledged, now),
    );
    if (bandwidth < NEAR_PART * nearRate) return false;
    const windowBytes = this.#windowBytes + distance(watch.acknowledged, this.#acknowledged);
    if (windowBytes < BOUND_SHARE * boundBytes(bandwidth, minRoundTripUs)) return false;
    this.phase = "waiting";
    this.untilUs = now + PATIENCE_ROUNDS * bondUs;
    return true;
  }

  /** Whether an ack that came is the last of the bunch: all of the window is acknowledged, or the host has no more to send. */
  end(watch: FlowWatch, now: number): boolean {
    if (this.phase !== "waiting") return false;
    const isWhole =
      distance(watch.acknowledged, this.#acknowledged) >= this.#windowBytes || watch.outstandingBytes === 0;
    if (!isWhole && now < this.untilUs) return false;
    this.phase = "showing";
    return true;
  }

  /** As in `tcp_rate_gen`: what was acknowledged between the last ack before a packet left and the packet's own. */
  #sampleBandwidth(acknowledgement: number, now: number): void {
    const newest = this.#newest(acknowledgement);
    this.#bandwidth = Math.max(this.#bandwidth, this.#sample(newest, acknowledgement, now));
    this.#head = newest + 1;
  }

  /** The newest record that an ack covers, or the one before the first. */
  #newest(acknowledgement: number): number {
    let newest = this.#head - 1;
    while (newest + 1 < this.#tail && distance(acknowledgement, this.#sequences[(newest + 1) % RECORDS]!) >= 0)
      newest++;
    return newest;
  }

  #sample(newest: number, acknowledgement: number, now: number): number {
    if (newest < this.#head) return 0;
    const index = newest % RECORDS;
    return distance(acknowledgement, this.#delivered[index]!) / (now - this.#deliveredAt[index]!);
  }
}

function boundBytes(bandwidth: number, minRoundTripUs: number): number {
  return HIGH_GAIN * bandwidth * (minRoundTripUs + BURSTS_US);
}
