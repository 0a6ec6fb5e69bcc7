import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import type { SentSink } from "../path/sent-ledger.ts";
import type { Epochs } from "../session/epochs.ts";
import type { Aead, Micros } from "../types.ts";
import { DATA_HEADER, SEAL_BYTES, TAG_BYTES, writeDataHeader } from "../wire/data-header.ts";

/** Datagrams of one path, back to back: one UDP_SEGMENT send. Overwritten by the next `pollTransmit`. */
export interface TransmitRun {
  /** Arena offset of the first datagram. */
  readonly offset: number;
  readonly lengthBytes: number;
  /** Size of each datagram; the last may be shorter. */
  readonly segmentBytes: number;
  readonly datagrams: number;
  /** Arena offset of the path's remote address record. */
  readonly addressOffset: number;
}

/** UDP_MAX_SEGMENTS of kernels before 6.9. */
export const RUN_DATAGRAMS_MAX = 64;
/** Largest UDP payload over IPv4. */
const RUN_BYTES_MAX = 65_507;

/** Numbers, seals and lays down the datagrams of one run. */
export class Sealer implements TransmitRun {
  readonly offset: number;
  lengthBytes = 0;
  segmentBytes = 0;
  datagrams = 0;
  addressOffset = 0;
  readonly #pool: PacketPool;
  readonly #aead: Aead;
  readonly #epochs: Epochs;
  readonly #remoteSession: number;
  readonly #sink: SentSink;

  constructor(pool: PacketPool, aead: Aead, epochs: Epochs, remoteSession: number, sink: SentSink) {
    this.#pool = pool;
    this.#aead = aead;
    this.#epochs = epochs;
    this.#remoteSession = remoteSession;
    this.#sink = sink;
    this.offset = pool.transmitOffset;
  }

  /** Starts a run over a path. */
  begin(path: Path): void {
    this.lengthBytes = 0;
    this.segmentBytes = 0;
    this.datagrams = 0;
    this.addressOffset = path.remoteOffset;
  }

  /** Whether a datagram with this much plaintext can join the run. */
  fits(plainBytes: number): boolean {
    if (this.datagrams === 0) return true;
    const bytes = plainBytes + SEAL_BYTES;
    if (bytes > this.segmentBytes || this.datagrams >= RUN_DATAGRAMS_MAX) return false;
    return this.lengthBytes + bytes <= RUN_BYTES_MAX && this.lengthBytes === this.datagrams * this.segmentBytes;
  }

  /** Seals `plainBytes` at `plainOffset` as the run's next datagram. `slot` is -1 where no inner packet depends on it. */
  add(
    path: Path,
    kind: number,
    plainOffset: number,
    plainBytes: number,
    slot: number,
    part: number,
    isEliciting: boolean,
    now: Micros,
  ): void {
    const bytes = plainBytes + SEAL_BYTES;
    const at = this.offset + this.lengthBytes;
    const packetNumber = path.record(bytes + path.headerBytes, slot, part, isEliciting, this.#sink, now);
    writeDataHeader(
      this.#pool.arena.view,
      at,
      this.#epochs.sendEpoch,
      kind,
      path.id,
      this.#remoteSession,
      packetNumber,
    );
    this.#aead.seal(this.#epochs.sendKey, at, plainOffset, bytes - SEAL_BYTES, at + DATA_HEADER.LENGTH);
    if (this.datagrams === 0) this.segmentBytes = bytes;
    this.lengthBytes += plainBytes + DATA_HEADER.LENGTH + TAG_BYTES;
    this.datagrams++;
    this.#epochs.countSealed(1);
  }
}
