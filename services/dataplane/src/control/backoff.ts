/** Time to wait before another attempt: the first value, then growing by a quarter, up to a limit. */
export class Backoff {
  readonly #firstMs: number;
  readonly #limitMs: number;
  #nextMs: number;

  constructor(firstMs: number, limitMs: number) {
    this.#firstMs = firstMs;
    this.#limitMs = limitMs;
    this.#nextMs = firstMs;
  }

  next(): number {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(this.#limitMs, delayMs * GROWTH);
    return delayMs;
  }

  reset(): void {
    this.#nextMs = this.#firstMs;
  }
}

const GROWTH = 1.25;
