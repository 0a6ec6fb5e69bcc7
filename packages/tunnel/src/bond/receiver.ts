import { FecDecoder } from "../fec/decoder.ts";
import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import type { Epochs } from "../session/epochs.ts";
import type { Aead, DropReason, KeyHandle, Micros, Slot } from "../types.ts";
import { ADDRESS_BYTES, DOUBLE_ZERO, DROP_REASONS } from "../types.ts";
import { readU48 } from "../wire/bytes.ts";
import {
  DATA_HEADER,
  epochOf,
  KIND_DATA,
  KIND_FRAMES,
  KIND_PARITY,
  kindOf,
  SEAL_BYTES,
  VERSION,
  versionOf,
} from "../wire/data-header.ts";
import { FLAG_HALVES, FLAG_PROTECTED, FLAG_UNORDERED, FLAG_VOID, LANE_HEADER, VOID_BODY } from "../wire/lane-header.ts";
import type { PathSet } from "./path-set.ts";
import type { Resequencer } from "./resequencer.ts";

const indexOf = (reason: DropReason): number => DROP_REASONS.indexOf(reason) + 1;
const TRUNCATED = indexOf("truncated");
const BAD_VERSION = indexOf("bad-version");
const UNKNOWN_SESSION = indexOf("unknown-session");
const UNKNOWN_EPOCH = indexOf("unknown-epoch");
const UNAUTHENTICATED = indexOf("unauthenticated");
const REPLAYED = indexOf("replayed");
const MALFORMED = indexOf("malformed");
const NO_BUFFER = indexOf("no-buffer");
const ACCEPTED = 0;

/** What the receiver hands on to the bond. */
export interface ReceiveEvents {
  /** An authenticated FRAMES plaintext, up to `limit`. Returns false if it is malformed. */
  frames(offset: number, limit: number, path: Path, receivedAt: Micros, now: Micros): boolean;
  moved(path: Path, now: Micros): void;
}

/**
 * The way in of a datagram, in order: header, key, replay window, open, books of the path, address, lane header, error correction, resequencer.
 * Nothing is written anywhere before the datagram is authenticated, and nothing that a stranger sends throws.
 */
export class Receiver {
  readonly drops = new Float64Array(DROP_REASONS.length + 1);
  packets = 0;
  bytes = DOUBLE_ZERO;
  lastAt = Number.NEGATIVE_INFINITY;
  readonly fec: FecDecoder;
  readonly #pool: PacketPool;
  readonly #aead: Aead;
  readonly #epochs: Epochs;
  readonly #paths: PathSet;
  readonly #resequencer: Resequencer;
  readonly #events: ReceiveEvents;
  readonly #session: number;
  readonly #followsAddress: boolean;

  constructor(
    pool: PacketPool,
    aead: Aead,
    epochs: Epochs,
    paths: PathSet,
    resequencer: Resequencer,
    events: ReceiveEvents,
    session: number,
    followsAddress: boolean,
  ) {
    this.#pool = pool;
    this.#aead = aead;
    this.#epochs = epochs;
    this.#paths = paths;
    this.#resequencer = resequencer;
    this.fec = new FecDecoder(pool, resequencer);
    this.#events = events;
    this.#session = session;
    this.#followsAddress = followsAddress;
  }

  /** Returns 0, or the index of the drop reason plus one. */
  handle(offset: number, length: number, addressOffset: number, receivedAt: Micros, now: Micros): number {
    const result = this.#receive(offset, length, addressOffset, receivedAt, now);
    if (result !== ACCEPTED) this.drops[result]!++;
    return result;
  }

  #receive(offset: number, length: number, addressOffset: number, receivedAt: Micros, now: Micros): number {
    if (length < SEAL_BYTES) return TRUNCATED;
    const { view } = this.#pool.arena;
    const octet = view.getUint8(offset + DATA_HEADER.KIND);
    if (versionOf(octet) !== VERSION) return BAD_VERSION;
    if (view.getUint32(offset + DATA_HEADER.SESSION) !== this.#session) return UNKNOWN_SESSION;
    const key = this.#epochs.receiveKey(epochOf(octet));
    if (key < 0) return UNKNOWN_EPOCH;
    const path = this.#paths.get(view.getUint8(offset + DATA_HEADER.PATH));
    if (path === undefined) return MALFORMED;
    if (!path.received.isFresh(readU48(view, offset + DATA_HEADER.PACKET_NUMBER))) return REPLAYED;
    switch (kindOf(octet)) {
      case KIND_DATA:
        return this.#receiveData(path, key, offset, length, addressOffset, receivedAt, now);
      case KIND_FRAMES:
      case KIND_PARITY:
        return this.#receiveOther(kindOf(octet), path, key, offset, length, addressOffset, receivedAt, now);
      default:
        return MALFORMED;
    }
  }

  #receiveData(
    path: Path,
    key: KeyHandle,
    offset: number,
    length: number,
    addressOffset: number,
    receivedAt: Micros,
    now: Micros,
  ): number {
    const pool = this.#pool;
    const innerBytes = length - SEAL_BYTES - LANE_HEADER.LENGTH;
    if (innerBytes < 0 || innerBytes > pool.capacityBytes) return MALFORMED;
    const slot = pool.alloc();
    if (slot < 0) return NO_BUFFER;
    const packetOffset = pool.packetOffset(slot);
    const plainOffset = packetOffset - LANE_HEADER.LENGTH;
    const sealedOffset = offset + DATA_HEADER.LENGTH;
    if (this.#aead.open(key, offset, sealedOffset, length - DATA_HEADER.LENGTH, plainOffset) < 0) {
      pool.free(slot);
      return UNAUTHENTICATED;
    }
    this.#note(path, offset, length, addressOffset, true, receivedAt, now);
    const { view } = pool.arena;
    const flags = view.getUint8(plainOffset + LANE_HEADER.FLAGS);
    pool.length[slot] = innerBytes;
    pool.flags[slot] = flags;
    pool.lane[slot] = view.getUint8(plainOffset + LANE_HEADER.LANE);
    pool.sequence[slot] = view.getUint32(plainOffset + LANE_HEADER.SEQUENCE);
    if (!isWellFormed(flags, innerBytes)) {
      pool.free(slot);
      return MALFORMED;
    }
    this.packets++;
    this.bytes += innerBytes;
    this.lastAt = now;
    if ((flags & FLAG_PROTECTED) !== 0) this.fec.handleSource(slot as Slot, now);
    this.#resequencer.accept(slot as Slot, now);
    return ACCEPTED;
  }

  /** What is not an inner packet is opened into the scratch memory. */
  #receiveOther(
    kind: number,
    path: Path,
    key: KeyHandle,
    offset: number,
    length: number,
    addressOffset: number,
    receivedAt: Micros,
    now: Micros,
  ): number {
    const { scratchOffset, scratchBytes } = this.#pool;
    if (length - SEAL_BYTES > scratchBytes) return MALFORMED;
    const sealedOffset = offset + DATA_HEADER.LENGTH;
    const plainBytes = this.#aead.open(key, offset, sealedOffset, length - DATA_HEADER.LENGTH, scratchOffset);
    if (plainBytes < 0) return UNAUTHENTICATED;
    const limit = scratchOffset + plainBytes;
    this.#note(path, offset, length, addressOffset, kind === KIND_PARITY, receivedAt, now);
    const isWellFormed =
      kind === KIND_PARITY
        ? this.fec.handleParity(scratchOffset, limit, now)
        : this.#events.frames(scratchOffset, limit, path, receivedAt, now);
    return isWellFormed ? ACCEPTED : MALFORMED;
  }

  #note(
    path: Path,
    offset: number,
    length: number,
    addressOffset: number,
    isEliciting: boolean,
    receivedAt: Micros,
    now: Micros,
  ): void {
    const { view } = this.#pool.arena;
    const packetNumber = readU48(view, offset + DATA_HEADER.PACKET_NUMBER);
    const isNewest = packetNumber > path.received.largest;
    path.received.note(packetNumber, length + path.headerBytes, isEliciting, receivedAt);
    const epoch = epochOf(view.getUint8(offset + DATA_HEADER.KIND));
    if (epoch !== (this.#epochs.sendEpoch & 3)) this.#epochs.confirm(epoch, now);
    if (isNewest && this.#followsAddress) this.#follow(path, addressOffset, now);
  }

  /** The newest authenticated datagram tells where the peer is (docs/protocol.md §7). */
  #follow(path: Path, addressOffset: number, now: Micros): void {
    const { bytes, view } = this.#pool.arena;
    let isSame = path.hasRemote;
    for (let i = 0; i < ADDRESS_BYTES && isSame; i += 4) {
      isSame = view.getInt32(addressOffset + i) === view.getInt32(path.remoteOffset + i);
    }
    if (isSame) return;
    bytes.copyWithin(path.remoteOffset, addressOffset, addressOffset + ADDRESS_BYTES);
    this.#events.moved(path, now);
  }
}

/** An unordered or protected packet is whole and is one; a VOID says how many numbers it gives up. */
function isWellFormed(flags: number, innerBytes: number): boolean {
  const isVoid = (flags & FLAG_VOID) !== 0;
  if (isVoid) return innerBytes === VOID_BODY.LENGTH && (flags & (FLAG_HALVES | FLAG_UNORDERED | FLAG_PROTECTED)) === 0;
  if ((flags & (FLAG_UNORDERED | FLAG_PROTECTED)) !== 0 && (flags & FLAG_HALVES) !== 0) return false;
  return innerBytes > 0 && (flags & FLAG_HALVES) !== FLAG_HALVES;
}
