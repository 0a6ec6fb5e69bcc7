const CAPACITY = 16;

/** Maximum of a value over the last rounds: a monotonic queue (Kathleen Nichols' windowed filter, without its approximation). */
export class MaxFilter {
  readonly #values = new Float64Array(CAPACITY);
  readonly #rounds = new Float64Array(CAPACITY);
  readonly #windowRounds: number;
  #head = 0;
  #count = 0;

  /** `windowRounds` at most 15. */
  constructor(windowRounds: number) {
    this.#windowRounds = windowRounds;
  }

  get value(): number {
    return this.#count === 0 ? 0 : this.#values[this.#head]!;
  }

  update(value: number, round: number): void {
    while (this.#count > 0 && this.#values[this.#index(this.#count - 1)]! <= value) this.#count--;
    if (this.#count > 0 && this.#rounds[this.#index(this.#count - 1)]! === round) return;
    if (this.#count === CAPACITY) this.#pop();
    const index = this.#index(this.#count++);
    this.#values[index] = value;
    this.#rounds[index] = round;
  }

  /** Forgets what is older than the window, but never the last value. */
  expire(round: number): void {
    while (this.#count > 1 && this.#rounds[this.#head]! < round - this.#windowRounds) this.#pop();
  }

  reset(value: number, round: number): void {
    this.#head = 0;
    this.#count = 0;
    if (value > 0) this.update(value, round);
  }

  #index(position: number): number {
    return (this.#head + position) & (CAPACITY - 1);
  }

  #pop(): void {
    this.#head = (this.#head + 1) & (CAPACITY - 1);
    this.#count--;
  }
}
