import { SYMBOL_MAX_BYTES } from "../wire/parity.ts";
import { addScaled, invert, scale } from "./gf256.ts";

/** Parity that waits for more. */
const ROWS = 16;
/** Missing sources that it may name. */
const COLUMNS = 64;
const NONE = -1;

/**
 * Linear equations over missing source symbols, kept in reduced row echelon form: each row has a pivot, a column in which no other row has
 * anything. A row with nothing but its pivot is that source. Memory is fixed; the oldest row makes room for a new one.
 */
export class Equations {
  readonly bytes = new Uint8Array(ROWS * SYMBOL_MAX_BYTES);
  /** Name of each column's source, or -1. */
  readonly #ids = new Float64Array(COLUMNS).fill(NONE);
  readonly #columnFlags = new Uint8Array(COLUMNS);
  readonly #coefficients = new Uint8Array(ROWS * COLUMNS);
  /** Pivot column of each row; -1: the row is free. */
  readonly #pivots = new Int8Array(ROWS).fill(NONE);
  readonly #lengths = new Uint16Array(ROWS);
  readonly #ages = new Float64Array(ROWS);
  #rowsSoFar = 0;

  /** Opens a row with room for a symbol of `length` bytes, all zero. It takes part once `insert` was called. */
  open(length: number): number {
    let row = 0;
    for (let other = 0; other < ROWS; other++) {
      const isFree = this.#pivots[other] === NONE;
      if (isFree || this.#ages[other]! < this.#ages[row]!) row = other;
      if (isFree) break;
    }
    this.#free(row);
    this.bytes.fill(0, this.offset(row), this.offset(row) + SYMBOL_MAX_BYTES);
    this.#lengths[row] = length;
    this.#ages[row] = this.#rowsSoFar++;
    return row;
  }

  /** Offset of the row's symbol in `bytes`. */
  offset(row: number): number {
    return row * SYMBOL_MAX_BYTES;
  }

  length(row: number): number {
    return this.#lengths[row]!;
  }

  /** Adds a missing source to an open row. Returns false if there is no column left. */
  addUnknown(row: number, id: number, flags: number, factor: number): boolean {
    const column = this.#column(id);
    if (column < 0) return false;
    this.#ids[column] = id;
    this.#columnFlags[column] = flags;
    this.#coefficients[row * COLUMNS + column]! ^= factor;
    return true;
  }

  /** Adds a known symbol to a row's right-hand side. */
  addKnown(row: number, symbols: Uint8Array, offset: number, length: number, factor: number): void {
    this.#lengths[row] = Math.max(this.#lengths[row]!, length);
    addScaled(this.bytes, this.offset(row), symbols, offset, length, factor);
  }

  /** Reduces an open row and makes it one of the system. A row that says nothing new is given back. */
  insert(row: number): void {
    for (let other = 0; other < ROWS; other++) {
      const pivot = this.#pivots[other]!;
      if (other !== row && pivot >= 0) this.#eliminate(row, other, pivot);
    }
    const pivot = this.#firstColumn(row);
    if (pivot < 0) {
      this.#free(row);
      return;
    }
    const factor = invert(this.#coefficients[row * COLUMNS + pivot]!);
    scale(this.#coefficients, row * COLUMNS, COLUMNS, factor);
    scale(this.bytes, this.offset(row), this.#lengths[row]!, factor);
    for (let other = 0; other < ROWS; other++) {
      if (other !== row && this.#pivots[other]! >= 0) this.#eliminate(other, row, pivot);
    }
    this.#pivots[row] = pivot;
  }

  /** A source has arrived: it is missing no more in any row. */
  resolve(id: number, symbols: Uint8Array, offset: number, length: number): void {
    const column = this.#ids.indexOf(id);
    if (column < 0) return;
    this.#ids[column] = NONE;
    for (let row = 0; row < ROWS; row++) {
      const at = row * COLUMNS + column;
      const factor = this.#coefficients[at]!;
      if (factor === 0) continue;
      this.addKnown(row, symbols, offset, length, factor);
      this.#coefficients[at] = 0;
      if (this.#pivots[row] !== column) continue;
      this.#pivots[row] = NONE;
      this.insert(row);
    }
  }

  /** A row that is solved, or -1. */
  solved(): number {
    for (let row = 0; row < ROWS; row++) {
      if (this.#pivots[row]! >= 0 && this.#firstColumn(row, this.#pivots[row]) < 0) return row;
    }
    return NONE;
  }

  /** The source that a solved row is. */
  sourceOf(row: number): number {
    return this.#ids[this.#pivots[row]!]!;
  }

  flagsOf(row: number): number {
    return this.#columnFlags[this.#pivots[row]!]!;
  }

  /** Gives a solved row back, and its column. */
  close(row: number): void {
    this.#ids[this.#pivots[row]!] = NONE;
    this.#free(row);
  }

  /** Gives an open row back. */
  abandon(row: number): void {
    this.#free(row);
  }

  /** Subtracts from `row` so much of `other` that nothing is left in `other`'s pivot. */
  #eliminate(row: number, other: number, pivot: number): void {
    const factor = this.#coefficients[row * COLUMNS + pivot]!;
    if (factor === 0) return;
    addScaled(this.#coefficients, row * COLUMNS, this.#coefficients, other * COLUMNS, COLUMNS, factor);
    this.addKnown(row, this.bytes, this.offset(other), this.#lengths[other]!, factor);
  }

  #firstColumn(row: number, except = NONE): number {
    for (let column = 0; column < COLUMNS; column++) {
      if (column !== except && this.#coefficients[row * COLUMNS + column] !== 0) return column;
    }
    return NONE;
  }

  /** The column of a source; one that no row uses where it has none; -1 if all are in use. */
  #column(id: number): number {
    const present = this.#ids.indexOf(id);
    if (present >= 0) return present;
    for (let column = 0; column < COLUMNS; column++) if (this.#isUnused(column)) return column;
    return NONE;
  }

  #isUnused(column: number): boolean {
    for (let row = 0; row < ROWS; row++) if (this.#coefficients[row * COLUMNS + column] !== 0) return false;
    return true;
  }

  #free(row: number): void {
    this.#pivots[row] = NONE;
    this.#coefficients.fill(0, row * COLUMNS, (row + 1) * COLUMNS);
  }
}
