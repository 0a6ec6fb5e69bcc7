/** Which session an inner packet from the TUN device belongs to. */

import type { LoopSession } from "./session.ts";

export interface InnerRoutes {
  /** The session for the packet of `length` bytes at `offset`, or undefined. */
  find(view: DataView, offset: number, length: number): LoopSession | undefined;
}

/** A client sends everything to its server. */
export class ClientRoutes implements InnerRoutes {
  session: LoopSession | undefined;

  find(): LoopSession | undefined {
    return this.session;
  }
}

/** A server sends by the last 32 bits of the destination, which hold the pool's network and the client's host number. */
export class ServerRoutes implements InnerRoutes {
  readonly #byV4 = new Map<number, LoopSession>();
  readonly #byV6 = new Map<number, LoopSession>();
  /** First 96 bits of the IPv6 pool, as signed words. */
  readonly #v6Network = new Int32Array(3);

  add(session: LoopSession, v4: Uint8Array, v6: Uint8Array): void {
    const view = new DataView(v6.buffer, v6.byteOffset, 16);
    for (let i = 0; i < 3; i++) this.#v6Network[i] = view.getInt32(4 * i);
    this.#byV6.set(view.getInt32(12), session);
    this.#byV4.set(new DataView(v4.buffer, v4.byteOffset, 4).getInt32(0), session);
  }

  remove(session: LoopSession): void {
    for (const table of [this.#byV4, this.#byV6]) {
      for (const [key, value] of table) if (value === session) table.delete(key);
    }
  }

  /** Keys are signed words, which are cheap map keys. */
  find(view: DataView, offset: number, length: number): LoopSession | undefined {
    const version = length > 0 ? view.getUint8(offset) >>> 4 : 0;
    if (version === 4 && length >= IPV4_MIN_BYTES) return this.#byV4.get(view.getInt32(offset + IPV4_DESTINATION));
    if (version !== 6 || length < IPV6_MIN_BYTES) return undefined;
    const destination = offset + IPV6_DESTINATION;
    for (let i = 0; i < 3; i++) if (view.getInt32(destination + 4 * i) !== this.#v6Network[i]) return undefined;
    return this.#byV6.get(view.getInt32(destination + 12));
  }
}

/** RFC 791 §3.1, RFC 8200 §3. */
const IPV4_MIN_BYTES = 20;
const IPV4_DESTINATION = 16;
const IPV6_MIN_BYTES = 40;
const IPV6_DESTINATION = 24;
