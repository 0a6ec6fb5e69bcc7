/** A flow of 20,000 packets per second whose repair takes 400 ms. */
const WINDOW = 8_192;
const WORDS = WINDOW / 32;

/** Which sequence numbers of a lane's unordered packets have been delivered: the last 8,192. Older ones count as duplicates. */
export class UnorderedWindow {
  readonly #bits = new Int32Array(WORDS);
  #next = 0;

  /** True once per sequence number. */
  accept(sequence: number): boolean {
    const ahead = (sequence - this.#next) | 0;
    if (ahead < -WINDOW) return false;
    if (ahead >= 0) this.#advance(sequence, ahead);
    const word = (sequence >>> 5) & (WORDS - 1);
    const bit = 1 << (sequence & 31);
    if ((this.#bits[word]! & bit) !== 0) return false;
    this.#bits[word]! |= bit;
    return true;
  }

  #advance(sequence: number, ahead: number): void {
    if (ahead >= WINDOW) this.#bits.fill(0);
    else for (let n = this.#next; n !== sequence; n = (n + 1) >>> 0) this.#clear(n);
    this.#clear(sequence);
    this.#next = (sequence + 1) >>> 0;
  }

  #clear(sequence: number): void {
    this.#bits[(sequence >>> 5) & (WORDS - 1)]! &= ~(1 << (sequence & 31));
  }
}
