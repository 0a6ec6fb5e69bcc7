/** A bond with what the loop must know around it. */

import { formatAddress } from "@edgebos/linux-io";
import { ADDRESS_BYTES, type Arena, type Bond, type Micros, type PathId } from "@edgebos/tunnel";
import type { SessionSnapshot } from "./commands.ts";

export interface InnerPrefix {
  readonly host: number;
  readonly v4: Uint8Array;
  readonly v6: Uint8Array;
}

export class LoopSession {
  readonly number: number;
  readonly bond: Bond;
  readonly host: number;
  /** Whether outputs are to be drained before the loop sleeps. */
  touched = false;
  /** When `handleTimeout` is due. */
  deadline: Micros = Number.POSITIVE_INFINITY as Micros;
  /** When its owner heard last that new keys are due. */
  rekeyToldAt = Number.NEGATIVE_INFINITY;
  /** Arena offset of each path's remote address, once something was sent there; -1 before. */
  readonly remoteOffsets = new Int32Array(MAX_PATHS).fill(-1);
  readonly #v4: number;
  readonly #v6: readonly number[];

  constructor(number: number, bond: Bond, inner: InnerPrefix) {
    this.number = number;
    this.bond = bond;
    this.host = inner.host;
    this.#v4 = words(inner.v4)[0]!;
    this.#v6 = words(inner.v6);
  }

  /** Whether an inner packet carries this client's own source address. Link-local chatter of its kernel does not. */
  isSource(view: DataView, offset: number, length: number): boolean {
    const version = view.getUint8(offset) >>> 4;
    if (version === 4) return length >= IPV4_MIN_BYTES && view.getUint32(offset + IPV4_SOURCE) === this.#v4;
    if (version !== 6 || length < IPV6_MIN_BYTES) return false;
    for (let i = 0; i < 4; i++) if (view.getUint32(offset + IPV6_SOURCE + 4 * i) !== this.#v6[i]) return false;
    return true;
  }

  snapshot({ bytes }: Arena): SessionSnapshot {
    const remoteOf = (path: PathId): string => {
      const offset = this.remoteOffsets[path]!;
      return offset < 0 ? "" : formatAddress(bytes.subarray(offset, offset + ADDRESS_BYTES));
    };
    const paths = this.bond.pathIds().map((path) => ({ ...this.bond.pathStats(path), remote: remoteOf(path) }));
    return { session: this.number, stats: this.bond.stats(), paths };
  }
}

/** Path numbers 0 to 254. */
const MAX_PATHS = 255;
/** RFC 791 §3.1, RFC 8200 §3. */
const IPV4_MIN_BYTES = 20;
const IPV4_SOURCE = 12;
const IPV6_MIN_BYTES = 40;
const IPV6_SOURCE = 8;

function words(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i));
}
