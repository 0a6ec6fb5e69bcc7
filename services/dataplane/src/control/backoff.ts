/** Time to wait before the n-th attempt in a row, ms: at once, then 100 ms, growing by half, up to a limit. */
export class Backoff {
  #attempts = 0;

  next(limitMs: number): number {
    const delayMs = this.#attempts === 0 ? 0 : FIRST_MS * 1.5 ** (this.#attempts - 1);
    this.#attempts += 1;
    return Math.min(delayMs, limitMs);
  }

  reset(): void {
    this.#attempts = 0;
  }
}

const FIRST_MS = 100;
