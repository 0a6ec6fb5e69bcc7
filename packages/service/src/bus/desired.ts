import type { KV } from "@nats-io/kv";

/** One key's latest value; `undefined` is a deletion. */
interface Desired {
  value: Uint8Array | undefined;
  written: boolean;
  writing: boolean;
}

/** Milliseconds until a write that failed is tried again. */
const RETRY_MS = 250;

/**
 * What this process wants to stand in one bucket. Each key has at most one write under way; a value that changes meanwhile is
 * written after it, and values in between are left out.
 */
export class DesiredBucket {
  readonly #keys = new Map<string, Desired>();
  #kv: KV | undefined;
  #retry: NodeJS.Timeout | undefined;

  set(key: string, value: Uint8Array | undefined): void {
    const entry = this.#keys.get(key);
    if (entry === undefined) {
      this.#keys.set(key, { value, written: false, writing: false });
    } else {
      entry.value = value;
      entry.written = false;
    }
    this.#write(key);
  }

  /** A connection is there: everything is written again, since the server may have lost it. */
  attach(kv: KV): void {
    this.#kv = kv;
    for (const [key, entry] of this.#keys) {
      entry.written = false;
      entry.writing = false;
      this.#write(key);
    }
  }

  detach(): void {
    this.#kv = undefined;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  get settled(): boolean {
    return this.#kv === undefined || [...this.#keys.values()].every((entry) => entry.written);
  }

  #write(key: string): void {
    const kv = this.#kv;
    const entry = this.#keys.get(key);
    if (kv === undefined || entry === undefined || entry.written || entry.writing) return;
    const { value } = entry;
    entry.writing = true;
    entry.written = true;
    const done = value === undefined ? kv.delete(key) : kv.put(key, value);
    done.then(
      () => {
        if (this.#kv !== kv) return;
        entry.writing = false;
        this.#write(key);
      },
      () => {
        if (this.#kv !== kv) return;
        entry.writing = false;
        entry.written = false;
        this.#retryLater();
      },
    );
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      for (const key of this.#keys.keys()) this.#write(key);
    }, RETRY_MS).unref();
  }
}
