export interface TcpWrites {
  /** Bytes to transfer; endless by default. */
  readonly totalBytes?: number;
  /** The application writes this much at once, again and again: a video's chunks, or with a short period a constant rate. Default: all it may. */
  readonly writes?: { readonly bytes: number; readonly periodUs: number };
}

/** The program that writes into a TCP connection, in full segments. */
export class TcpApplication {
  readonly #startAt: number;
  readonly #payloadBytes: number;
  readonly #totalBytes: number;
  readonly #writes: TcpWrites["writes"];

  constructor({ totalBytes = Number.POSITIVE_INFINITY, writes }: TcpWrites, startAt: number, payloadBytes: number) {
    this.#startAt = startAt;
    this.#payloadBytes = payloadBytes;
    this.#totalBytes = totalBytes;
    this.#writes = writes;
  }

  /** Packets that it has written so far. */
  writtenPackets(now: number): number {
    if (this.#writes === undefined) return Math.ceil(this.#totalBytes / this.#payloadBytes);
    const bytes = this.#writes.bytes * (1 + this.#periods(this.#writes.periodUs, now));
    return Math.ceil(Math.min(bytes, this.#totalBytes) / this.#payloadBytes);
  }

  /** When it writes next, after `packets`. */
  writesAt(packets: number, now: number): number {
    if (this.#writes === undefined || this.isWhole(packets)) return Number.POSITIVE_INFINITY;
    const { periodUs } = this.#writes;
    // One more microsecond, or rounding could make it a moment before.
    return this.#startAt + periodUs * (1 + this.#periods(periodUs, now)) + 1;
  }

  /** Whether so many packets are all that it has to say. */
  isWhole(packets: number): boolean {
    return packets * this.#payloadBytes >= this.#totalBytes;
  }

  #periods(periodUs: number, now: number): number {
    return Math.floor((now - this.#startAt) / periodUs);
  }
}
