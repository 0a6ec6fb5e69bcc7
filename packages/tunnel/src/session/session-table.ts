import type { Arena } from "../arena.ts";
import type { Bond } from "../bond/bond.ts";
import { DROP_REASONS, type DropReason, type Micros } from "../types.ts";
import { DATA_HEADER, SEAL_BYTES, VERSION, versionOf } from "../wire/data-header.ts";

const TRUNCATED = DROP_REASONS.indexOf("truncated") + 1;
const BAD_VERSION = DROP_REASONS.indexOf("bad-version") + 1;
const UNKNOWN_SESSION = DROP_REASONS.indexOf("unknown-session") + 1;

/** Finds the bond of a datagram by its session number: one socket serves many clients. What fits no session is counted here, and gets no answer. */
export class SessionTable {
  /** Bond that got the last datagram; undefined if none did. Drain its outputs. */
  last: Bond | undefined = undefined;
  readonly #arena: Arena;
  readonly #bonds = new Map<number, Bond>();
  #truncated = 0;
  #badVersion = 0;
  #unknownSession = 0;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** `localSession` as given to the bond, u32. */
  add(localSession: number, bond: Bond): void {
    this.#bonds.set(localSession | 0, bond);
  }

  remove(localSession: number): void {
    this.#bonds.delete(localSession | 0);
  }

  get(localSession: number): Bond | undefined {
    return this.#bonds.get(localSession | 0);
  }

  bonds(): IterableIterator<Bond> {
    return this.#bonds.values();
  }

  /** Same as `Bond.handleDatagram`, for the bond that the datagram names. */
  handleDatagram(offset: number, length: number, addressOffset: number, receivedAt: Micros, now: Micros): number {
    this.last = undefined;
    if (length < SEAL_BYTES) {
      this.#truncated++;
      return TRUNCATED;
    }
    const { view } = this.#arena;
    if (versionOf(view.getUint8(offset + DATA_HEADER.KIND)) !== VERSION) {
      this.#badVersion++;
      return BAD_VERSION;
    }
    // Signed, because small integers are cheap map keys.
    const bond = this.#bonds.get(view.getInt32(offset + DATA_HEADER.SESSION));
    if (bond === undefined) {
      this.#unknownSession++;
      return UNKNOWN_SESSION;
    }
    this.last = bond;
    return bond.handleDatagram(offset, length, addressOffset, receivedAt, now);
  }

  /** What was dropped before any bond was found. */
  drops(): Readonly<Pick<Record<DropReason, number>, "truncated" | "bad-version" | "unknown-session">> {
    return {
      truncated: this.#truncated,
      "bad-version": this.#badVersion,
      "unknown-session": this.#unknownSession,
    };
  }
}
