import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { FLAG_CHECKSUM_PARTIAL, FLAG_UNORDERED } from "../wire/lane-header.ts";
import { PARITY, PARITY_SOURCE, PARITY_SOURCES_MAX, SOURCE_SYMBOL, SYMBOL_MAX_BYTES } from "../wire/parity.ts";
import { Equations } from "./equations.ts";
import { power } from "./gf256.ts";
import { SymbolStore } from "./symbol-store.ts";

const SHOWN_FLAGS = FLAG_CHECKSUM_PARTIAL | FLAG_UNORDERED;
const TWO_TO_32 = 4_294_967_296;

/** Takes recovered packets as if they had arrived. */
export interface PacketSink {
  readonly duplicatePackets: number;
  accept(slot: Slot, now: Micros): void;
}

/**
 * Recovers lost protected packets from PARITY and from those that arrived. Remembers the last of these and the parity that could not be used
 * yet: 150 kB, taken when the first protected packet comes.
 */
export class FecDecoder {
  recoveredPackets = 0;
  readonly #pool: PacketPool;
  readonly #sink: PacketSink;
  #memory: { readonly store: SymbolStore; readonly equations: Equations } | undefined = undefined;

  constructor(pool: PacketPool, sink: PacketSink) {
    this.#pool = pool;
    this.#sink = sink;
  }

  /** A protected packet has arrived; lane, sequence, flags and length stand in the pool. What it makes known goes to the sink at once. */
  handleSource(slot: Slot, now: Micros): void {
    const { store, equations } = this.#use();
    const { arena, lane, flags, sequence, length } = this.#pool;
    const id = sourceId(lane[slot]!, flags[slot]!, sequence[slot]!);
    const symbolBytes = SOURCE_SYMBOL.PACKET + length[slot]!;
    if (symbolBytes > SYMBOL_MAX_BYTES || store.find(id) >= 0) return;
    const index = store.add(id, symbolBytes);
    const offset = store.offset(index);
    store.bytes[offset] = length[slot]! >>> 8;
    store.bytes[offset + 1] = length[slot]! & 0xff;
    copy(arena.bytes, this.#pool.packetOffset(slot), store.bytes, offset + SOURCE_SYMBOL.PACKET, length[slot]!);
    equations.resolve(id, store.bytes, offset, symbolBytes);
    this.#deliverSolved(now);
  }

  /** A PARITY plaintext has arrived. Returns false if it is malformed. */
  handleParity(offset: number, limit: number, now: Micros): boolean {
    const { view, bytes } = this.#pool.arena;
    if (offset + PARITY.SOURCES > limit) return false;
    const key = view.getUint8(offset + PARITY.KEY);
    const count = view.getUint8(offset + PARITY.COUNT);
    const symbol = offset + PARITY.SOURCES + count * PARITY_SOURCE.LENGTH;
    const symbolBytes = limit - symbol;
    if (count === 0 || count > PARITY_SOURCES_MAX) return false;
    if (symbolBytes <= SOURCE_SYMBOL.PACKET || symbolBytes > SYMBOL_MAX_BYTES) return false;
    const { equations } = this.#use();
    const row = equations.open(symbolBytes);
    equations.addKnown(row, bytes, symbol, symbolBytes, 1);
    for (let at = offset + PARITY.SOURCES; at < symbol; at += PARITY_SOURCE.LENGTH) {
      if (!this.#addSource(row, at, key)) {
        equations.abandon(row);
        return true;
      }
    }
    equations.insert(row);
    this.#deliverSolved(now);
    return true;
  }

  /** Adds one source of a PARITY to its row. Returns false if there is no room. */
  #addSource(row: number, at: number, key: number): boolean {
    const { view } = this.#pool.arena;
    const { store, equations } = this.#use();
    const flags = view.getUint8(at + PARITY_SOURCE.FLAGS) & SHOWN_FLAGS;
    const lane = view.getUint8(at + PARITY_SOURCE.LANE);
    const id = sourceId(lane, flags, view.getUint32(at + PARITY_SOURCE.SEQUENCE));
    const factor = power(key * view.getUint8(at + PARITY_SOURCE.INDEX));
    const known = store.find(id);
    if (known < 0) return equations.addUnknown(row, id, flags, factor);
    equations.addKnown(row, store.bytes, store.offset(known), store.length(known), factor);
    return true;
  }

  /** A source that one row gives helps no other row: in reduced form no other row names it. */
  #deliverSolved(now: Micros): void {
    const { store, equations } = this.#use();
    for (let row = equations.solved(); row >= 0; row = equations.solved()) {
      const id = equations.sourceOf(row);
      const offset = equations.offset(row);
      const length = equations.bytes[offset]! * 256 + equations.bytes[offset + 1]!;
      if (length > 0 && SOURCE_SYMBOL.PACKET + length <= equations.length(row)) {
        const index = store.add(id, SOURCE_SYMBOL.PACKET + length);
        copy(equations.bytes, offset, store.bytes, store.offset(index), SOURCE_SYMBOL.PACKET + length);
        this.#deliver(id, equations.flagsOf(row), length, store, index, now);
      }
      equations.close(row);
    }
  }

  /** Without a free buffer the packet has to come by repair. */
  #deliver(id: number, flags: number, length: number, store: SymbolStore, index: number, now: Micros): void {
    const pool = this.#pool;
    const slot = pool.alloc();
    if (slot < 0) return;
    pool.length[slot] = length;
    pool.flags[slot] = flags;
    pool.lane[slot] = Math.floor(id / TWO_TO_32) >>> 1;
    pool.sequence[slot] = id % TWO_TO_32;
    const from = store.offset(index) + SOURCE_SYMBOL.PACKET;
    copy(store.bytes, from, pool.arena.bytes, pool.packetOffset(slot), length);
    const duplicates = this.#sink.duplicatePackets;
    this.#sink.accept(slot, now);
    if (this.#sink.duplicatePackets === duplicates) this.recoveredPackets++;
  }

  #use(): { readonly store: SymbolStore; readonly equations: Equations } {
    this.#memory ??= { store: new SymbolStore(), equations: new Equations() };
    return this.#memory;
  }
}

/** One number for lane, kind of sequence and sequence. */
function sourceId(lane: number, flags: number, sequence: number): number {
  const isUnordered = (flags & FLAG_UNORDERED) !== 0;
  return (lane * 2 + (isUnordered ? 1 : 0)) * TWO_TO_32 + sequence;
}

/** Without the view that `set` and `subarray` would allocate. */
function copy(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, length: number): void {
  for (let i = 0; i < length; i++) to[toOffset + i] = from[fromOffset + i]!;
}
