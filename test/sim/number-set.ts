/** A set of non-negative integers without large holes: one bit each. */
export class NumberSet {
  #words = new Uint32Array(64);

  /** Returns false if it was there. */
  add(number: number): boolean {
    const word = number >>> 5;
    if (word >= this.#words.length) this.#grow(word);
    const bit = 1 << (number & 31);
    if ((this.#words[word]! & bit) !== 0) return false;
    this.#words[word]! |= bit;
    return true;
  }

  has(number: number): boolean {
    return ((this.#words[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0;
  }

  #grow(word: number): void {
    const words = new Uint32Array(2 ** Math.ceil(Math.log2(word + 2)));
    words.set(this.#words);
    this.#words = words;
  }
}
