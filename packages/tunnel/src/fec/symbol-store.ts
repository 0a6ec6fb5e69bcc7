import { SYMBOL_MAX_BYTES } from "../wire/parity.ts";

/** Source symbols that are remembered: a tenth of a second of a thousand packets per second. */
const SYMBOLS = 128;
const NONE = -1;

/** The last source symbols that arrived or were recovered, by name (`sourceId`). The oldest is overwritten. */
export class SymbolStore {
  readonly bytes = new Uint8Array(SYMBOLS * SYMBOL_MAX_BYTES);
  readonly #ids = new Float64Array(SYMBOLS).fill(NONE);
  readonly #lengths = new Uint16Array(SYMBOLS);
  #next = 0;

  /** Index of the symbol, or -1. */
  find(id: number): number {
    return this.#ids.indexOf(id);
  }

  /** Offset of the symbol in `bytes`. */
  offset(index: number): number {
    return index * SYMBOL_MAX_BYTES;
  }

  length(index: number): number {
    return this.#lengths[index]!;
  }

  /** Makes room for a symbol of `length` bytes, which the caller writes. Returns its index. */
  add(id: number, length: number): number {
    const index = this.#next;
    this.#next = (index + 1) % SYMBOLS;
    this.#ids[index] = id;
    this.#lengths[index] = length;
    return index;
  }
}
