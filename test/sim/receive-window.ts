/** `tcp_rmem[1]` of Linux, half of it for payload, and what a window begins with. */
const INITIAL_BYTES = 65_536;
/** `rcvq_space.space` begins with ten segments. */
const INITIAL_SPACE_BYTES = 14_480;
/** A received byte opens the window by up to two (`tcp_grow_window`). */
const OPENING = 2;
const RTT_GAIN = 1 / 8;

/**
 * The window that a receiving host announces: Linux' dynamic right-sizing (`tcp_rcv_space_adjust` and `tcp_rcv_rtt_measure_ts` in net/ipv4/tcp_input.c). It allows for
 * twice of what came in one round trip, and more while that grows.
 */
export class ReceiveWindow {
  /** What the host announces, bytes. */
  bytes: number;
  readonly #maxBytes: number;
  #limitBytes: number;
  #spaceBytes = INITIAL_SPACE_BYTES;
  #copiedBytes = 0;
  #since = 0;
  #rttUs = 0;
  #lastEcho = 0;

  /** A program that sets its socket's buffer (`SO_RCVBUF`) has a fixed window of that size. */
  constructor(maxBytes: number, isFixed = false) {
    this.#maxBytes = maxBytes;
    this.bytes = isFixed ? maxBytes : Math.min(maxBytes, INITIAL_BYTES);
    this.#limitBytes = this.bytes;
  }

  /** A full segment came, and with it the time of the ack that its host had seen last. */
  noteEcho(echo: number, now: number): void {
    if (echo === 0 || echo === this.#lastEcho) return;
    this.#lastEcho = echo;
    const rttUs = ((Math.floor(now) >>> 0) - echo) >>> 0;
    this.#rttUs += this.#rttUs === 0 ? rttUs : (rttUs - this.#rttUs) * RTT_GAIN;
  }

  /** The program read so many bytes. */
  noteRead(bytes: number, now: number): void {
    this.#copiedBytes += bytes;
    this.bytes = Math.min(this.#limitBytes, this.bytes + OPENING * bytes);
    if (this.#rttUs === 0 || now - this.#since < this.#rttUs) return;
    if (this.#copiedBytes > this.#spaceBytes) {
      const growth = (this.#copiedBytes - this.#spaceBytes) / this.#spaceBytes;
      const windowBytes = 2 * this.#copiedBytes * (1 + 2 * growth);
      this.#limitBytes = Math.max(this.#limitBytes, Math.min(this.#maxBytes, windowBytes));
      this.#spaceBytes = this.#copiedBytes;
    }
    this.#copiedBytes = 0;
    this.#since = now;
  }
}
