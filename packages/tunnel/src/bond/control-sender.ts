import type { PacketPool } from "../packet-pool.ts";
import type { Path } from "../path/path.ts";
import { OWN_COPY_EVERY_US } from "../path/return-way.ts";
import { PART_PROBE, PART_WHOLE } from "../path/sent-ledger.ts";
import type { Micros, PathId } from "../types.ts";
import { KIND_FRAMES, SEAL_BYTES } from "../wire/data-header.ts";
import { FRAME_PING, STATUS_STALLED, writePathStatusFrame } from "../wire/frames.ts";
import type { PathSet } from "./path-set.ts";
import type { Sealer } from "./sealer.ts";

const NO_PATH = -1;
const NO_SLOT = -1;
/** Frames of one datagram; more than eight acks wait for the next. */
const FRAMES_MAX_BYTES = 1_000;

/** Sends what is not an inner packet: acks, pings, path states, MTU probes and capacity trains. */
export class ControlSender {
  readonly #pool: PacketPool;
  readonly #paths: PathSet;
  readonly #sealer: Sealer;

  constructor(pool: PacketPool, paths: PathSet, sealer: Sealer) {
    this.#pool = pool;
    this.#paths = paths;
    this.#sealer = sealer;
    pool.arena.bytes.fill(0, pool.scratchOffset, pool.scratchOffset + pool.scratchBytes);
  }

  /** Seals the next datagram, or train, of control frames. Returns its path, or -1 if nothing is due. */
  poll(now: Micros): PathId | -1 {
    this.#assignAcks(now);
    for (const path of this.#paths.all) {
      if (!path.hasRemote || path.life.isSuspended) continue;
      if (this.#sendMtuProbe(path, now)) return path.id;
      if (this.#sendFrames(path, now)) return path.id;
      if (path.life.trainAt() <= now && this.#sendTrain(path, now)) return path.id;
    }
    return NO_PATH;
  }

  /** When the next ack is due that some path can carry. */
  timeoutAt(): Micros {
    let at = Number.POSITIVE_INFINITY;
    for (const path of this.#paths.all) {
      const dueAt = path.received.ackDueAt();
      if (dueAt < at && this.#paths.ackCarrier(path) !== undefined) at = dueAt;
    }
    return at as Micros;
  }

  /** Acks that are due, and those of other paths that may as well leave with them: most of a datagram of one ack is headers. */
  #assignAcks(now: Micros): void {
    let carrier: Path | undefined;
    for (const path of this.#paths.all) {
      if (path.ackCarrier !== undefined || path.received.ackDueAt() > now) continue;
      const best = this.#paths.ackCarrier(path);
      if (best === undefined) continue;
      carrier = best;
      this.#assignAck(path, best, now);
    }
    if (carrier === undefined) return;
    for (const path of this.#paths.all) {
      if (path.ackCarrier !== undefined || !path.received.isAckRipe(now)) continue;
      if (this.#paths.ackCarrier(path) === carrier) this.#assignAck(path, carrier, now);
    }
  }

  #assignAck(path: Path, carrier: Path, now: Micros): void {
    path.ackCarrier = carrier;
    const isOwnDue = now - path.lastOwnAckAt >= OWN_COPY_EVERY_US;
    path.isAckCopyWanted = carrier !== path && isOwnDue && path.hasRemote && !path.life.isSuspended;
    path.received.carrierRate = carrier.capacity;
    path.received.noteAckSent(now);
  }

  #sendFrames(carrier: Path, now: Micros): boolean {
    const start = this.#pool.scratchOffset;
    const { view } = this.#pool.arena;
    let at = start;
    let isEliciting = false;
    if (carrier.life.isPingWanted) {
      view.setUint8(at++, FRAME_PING);
      carrier.life.isPingWanted = false;
      isEliciting = true;
    }
    for (const path of this.#paths.all) {
      if (at - start > FRAMES_MAX_BYTES) break;
      at = this.#writeFramesOf(path, carrier, at, now);
    }
    if (at === start) return false;
    this.#sealer.begin(carrier);
    this.#sealer.add(carrier, KIND_FRAMES, start, at - start, NO_SLOT, PART_WHOLE, isEliciting, now);
    return true;
  }

  #writeFramesOf(path: Path, carrier: Path, offset: number, now: Micros): number {
    const { view } = this.#pool.arena;
    let at = offset;
    if (path.isStatusWanted && this.#paths.ackCarrier(path) === carrier) {
      path.isStatusWanted = false;
      at += writePathStatusFrame(view, at, path.id, STATUS_STALLED);
    }
    const isCarried = path.ackCarrier === carrier;
    const isCopy = path === carrier && path.isAckCopyWanted;
    if (!isCarried && !isCopy) return at;
    if (isCarried) path.ackCarrier = undefined;
    if (path === carrier) {
      path.isAckCopyWanted = false;
      path.lastOwnAckAt = now;
    }
    path.received.receipt.onSent(path.received.largest, carrier.id, carrier.sent.next);
    return at + path.received.writeAck(view, at, path.id, now);
  }

  /** A PING in a datagram of the size in question. It is not in flight: its loss concerns nobody but the search. The PING behind it proves the path alive. */
  #sendMtuProbe(path: Path, now: Micros): boolean {
    const bytes = path.life.pollMtuProbe(now);
    if (bytes === 0) return false;
    this.#layPaddedPing(bytes - SEAL_BYTES);
    const packetNumber = path.sent.next;
    this.#sealer.begin(path);
    this.#sealer.add(path, KIND_FRAMES, this.#pool.scratchOffset, bytes - SEAL_BYTES, NO_SLOT, PART_PROBE, false, now);
    path.mtu.onSent(packetNumber, path.loss.reorderingUs > 0 ? path.rtt.smoothedUs + path.loss.reorderingUs : 0, now);
    path.life.isPingWanted = true;
    return true;
  }

  #layPaddedPing(plainBytes: number): void {
    const { arena, scratchOffset } = this.#pool;
    arena.bytes.fill(0, scratchOffset, scratchOffset + plainBytes);
    arena.bytes[scratchOffset] = FRAME_PING;
  }

  /** Full datagrams back to back: one PING each, the rest is padding. */
  #sendTrain(path: Path, now: Micros): boolean {
    const { scratchOffset } = this.#pool;
    const plainBytes = path.maxDatagramBytes - SEAL_BYTES;
    this.#layPaddedPing(plainBytes);
    const firstPacket = path.sent.next;
    const datagrams = path.train.datagrams();
    this.#sealer.begin(path);
    for (let i = 0; i < datagrams && this.#sealer.fits(plainBytes); i++) {
      this.#sealer.add(path, KIND_FRAMES, scratchOffset, plainBytes, NO_SLOT, PART_WHOLE, true, now);
    }
    path.train.onSent(firstPacket, path.sent.next, path.rtt.smoothedUs, now);
    path.pacer.reset(now);
    return this.#sealer.datagrams > 0;
  }
}
