import type { Handshakes } from "./handshakes.ts";
import { distance } from "./tcp-packet.ts";

/**
 * No window is made smaller than this. It is the most that a SYN segment can promise; a host that has nothing under way can always send; and short flows
 * end before it matters.
 */
export const WINDOW_MIN_BYTES = 0xffff;
/** The edge moves in steps of this share of the credit, or a host without Nagle's algorithm would fill each ack's few bytes with a short segment. */
const STEP_SHARE = 1 / 32;

/**
 * The credit of one flow: where its data stands, and the right edge of the window that its host was shown, which never moves back (RFC 9293 §3.8.6). Sequence
 * numbers are modulo 2^32.
 */
export class CreditedFlow {
  /** Identity of the data direction, see `TcpPacket.flow`. */
  readonly flow: number;
  /** Round trip from here to the host and back, without queues. */
  readonly hostUs: number;
  /** Sent enough for its window to matter. */
  isBig = false;
  lastAt: number;
  readonly #grainBytes: number;
  readonly #startSequence: number;
  /** Highest sequence number that came in. */
  #endSequence: number;
  #edge: number;
  #isEdgeKnown = true;

  constructor(flow: number, endSequence: number, handshake: Handshakes, now: number) {
    this.flow = flow;
    this.hostUs = handshake.hostUs;
    this.lastAt = now;
    this.#grainBytes = 2 ** handshake.windowScale;
    this.#startSequence = endSequence;
    this.#endSequence = endSequence;
    this.#edge = endSequence;
  }

  noteData(endSequence: number, now: number): void {
    this.lastAt = now;
    if (distance(endSequence, this.#endSequence) > 0) this.#endSequence = endSequence;
    if (distance(endSequence, this.#startSequence) > WINDOW_MIN_BYTES) this.isBig = true;
  }

  /** A packet that was not read goes to the host, and may promise anything. */
  noteUnread(): void {
    this.#isEdgeKnown = false;
  }

  /** The receiver's window passes as it is. Windows are in units of the flow's scale, here and below. Returns it. */
  promise(acknowledgement: number, window: number): number {
    const edge = (acknowledgement + window * this.#grainBytes) >>> 0;
    if (!this.#isEdgeKnown || distance(edge, this.#edge) > 0) this.#edge = edge;
    this.#isEdgeKnown = true;
    return window;
  }

  /**
   * Returns the window for an ack: the receiver's, or less, so that no more than `creditBytes` are waiting and on their way from the host. What was promised stands;
   * it is rounded up to whole units as the kernel does (`tcp_select_window`), what is new is rounded down.
   */
  grant(acknowledgement: number, window: number, creditBytes: number, queuedBytes: number): number {
    if (!this.#isEdgeKnown) return this.promise(acknowledgement, window);
    const grain = this.#grainBytes;
    const promisedBytes = Math.max(0, distance(this.#edge, acknowledgement));
    const wantedBytes = distance(this.#endSequence, acknowledgement) + Math.max(0, creditBytes - queuedBytes);
    const isStep = wantedBytes - promisedBytes >= creditBytes * STEP_SHARE;
    const freshBytes = Math.max(WINDOW_MIN_BYTES, isStep ? wantedBytes : 0);
    const units = Math.max(Math.ceil(promisedBytes / grain), Math.floor(freshBytes / grain));
    return this.promise(acknowledgement, Math.min(window, units));
  }
}
