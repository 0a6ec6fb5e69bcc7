import { FLAG_SYN, type Segment } from "./tcp-wire.ts";

/** The receive window as a sender keeps it: what acks announce, by Linux' rules. The simulated receivers never close it, so there are no window probes. */
export class PeerWindow {
  /** Number of the first packet that does not fit in. */
  edge = 0;
  /** How often an ack moved the right edge back, which RFC 9293 §3.8.6 discourages. */
  shrunk = 0;
  readonly #payloadBytes: number;
  #scale = 0;
  #windowBytes = 0;
  #edgeBytes = 0;

  constructor(payloadBytes: number) {
    this.#payloadBytes = payloadBytes;
  }

  /** `tcp_may_update_window`: the acknowledgement is newer than `acked` packets, or the window larger. The window of a SYN has no scale. */
  note(segment: Segment, acked: number): void {
    const windowBytes = segment.window * 2 ** this.#scale;
    if ((segment.flags & FLAG_SYN) !== 0) this.#scale = segment.windowScale;
    if (segment.acknowledgement <= acked * this.#payloadBytes && windowBytes <= this.#windowBytes) return;
    const edgeBytes = segment.acknowledgement + windowBytes;
    if (edgeBytes < this.#edgeBytes) this.shrunk++;
    this.#windowBytes = windowBytes;
    this.#edgeBytes = edgeBytes;
    this.edge = Math.floor(edgeBytes / this.#payloadBytes);
  }
}
