/**
 * From the TUN device to the network. Stages: one read brings a packet, or up to 64 KiB of one flow → its session → cut into packet
 * buffers → the bond's queues → runs of sealed datagrams → one send per run. No allocation per packet.
 */

import { VNET_HEADER, WOULD_BLOCK } from "@edgebos/linux-io";
import {
  type Arena,
  type Bond,
  type Micros,
  type PacketPool,
  type PathId,
  SLOT_CHECKSUM_PARTIAL,
} from "@edgebos/tunnel";
import { EDGE_INDEX, WORK_INDEX } from "./counters.ts";
import type { InnerRoutes } from "./inner-routes.ts";
import type { LoopIo, Udp } from "./io.ts";
import type { LoopSession } from "./session.ts";

/** Where datagrams of a path leave, and who hears that they could not. */
export interface PathSockets {
  /** Undefined while a path has no socket. */
  socketOf(path: number): Udp | undefined;
  onSendError(path: number, errno: number): void;
}

export class Outbound {
  readonly #io: LoopIo;
  readonly #pool: PacketPool;
  readonly #routes: InnerRoutes;
  readonly #sockets: PathSockets;
  readonly #counters: Float64Array;
  readonly #readOffset: number;

  constructor(
    io: LoopIo,
    arena: Arena,
    pool: PacketPool,
    routes: InnerRoutes,
    sockets: PathSockets,
    counters: Float64Array,
  ) {
    this.#io = io;
    this.#pool = pool;
    this.#routes = routes;
    this.#sockets = sockets;
    this.#counters = counters;
    this.#readOffset = arena.reserve(READ_BYTES);
  }

  /**
   * Reads until the device is empty or the budget is used up; returns whether it may hold more. Packets gather in the bonds' queues
   * until they fill a run, so that small reads share a send; what is left is sent by `transmit`. In a loop that is not busy the first read is
   * most often the only one, and is sent before a look for more.
   */
  pump(isBusy: boolean): boolean {
    const counters = this.#counters;
    let packetsSent = counters[WORK_INDEX["tun-packets-in"]]!;
    for (let i = 0; i < READ_BUDGET; i++) {
      const length = this.#io.tun.read(this.#readOffset, READ_BYTES);
      if (length === WOULD_BLOCK) return false;
      counters[WORK_INDEX["tun-reads"]]!++;
      const now = this.#io.now();
      const session = this.#accept(length, now);
      if (session === undefined) continue;
      session.touched = true;
      const packets = counters[WORK_INDEX["tun-packets-in"]]!;
      if (packets - packetsSent < RUN_PACKETS && (isBusy || i > 0)) continue;
      packetsSent = packets;
      this.transmit(session, now);
    }
    this.#counters[WORK_INDEX["tun-budget-exhausted"]]!++;
    return true;
  }

  /** Reads and forgets what waits in the device: it was meant for a session that ended long ago. */
  discard(): void {
    while (this.#io.tun.read(this.#readOffset, READ_BYTES) !== WOULD_BLOCK) this.#drop("no-session");
  }

  /** Sends what the session's bond wants sent; returns whether the budget ran out before. */
  transmit(session: LoopSession, startedAt: Micros): boolean {
    const { bond } = session;
    const counters = this.#counters;
    let now = startedAt;
    for (let i = 0; i < RUN_BUDGET; i++) {
      const path = bond.pollTransmit(now);
      if (path < 0) return false;
      const { run } = bond;
      const udp = this.#sockets.socketOf(path);
      session.remoteOffsets[path] = run.addressOffset;
      if (udp === undefined) this.#drop("send-failed");
      else {
        const sent = udp.send(run.offset, run.lengthBytes, run.segmentBytes, run.addressOffset);
        counters[WORK_INDEX["udp-sends"]]!++;
        counters[WORK_INDEX["udp-datagrams-out"]]! += Math.ceil(run.lengthBytes / run.segmentBytes);
        if (sent !== run.lengthBytes) this.#notSent(bond, path as PathId, sent, now);
      }
      now = this.#io.now();
    }
    counters[WORK_INDEX["transmit-budget-exhausted"]]!++;
    return true;
  }

  #accept(length: number, now: Micros): LoopSession | undefined {
    const { vnetHeader } = this.#io.tun.offloads;
    const headerBytes = vnetHeader ? VNET_HEADER.LENGTH : 0;
    const session = this.#routes.find(this.#io.memory.view, this.#readOffset + headerBytes, length - headerBytes);
    if (session === undefined) this.#drop("no-session");
    else if (vnetHeader) this.#acceptSegments(session, length, now);
    else this.#acceptPlain(session, length, now);
    return session;
  }

  #acceptSegments(session: LoopSession, length: number, now: Micros): void {
    const { segmenter } = this.#io;
    const pool = this.#pool;
    if (this.#largestPacket(length) > pool.capacityBytes) {
      this.#drop("oversized");
      return;
    }
    const count = segmenter.begin(this.#readOffset, length);
    if (count === 0) {
      this.#drop("malformed-inner");
      return;
    }
    for (let i = 0; i < count; i++) {
      const slot = pool.alloc();
      if (slot < 0) {
        this.#drop("no-packet-buffer");
        return;
      }
      pool.length[slot] = segmenter.next(pool.packetOffset(slot));
      pool.flags[slot] = segmenter.checksumPartial ? SLOT_CHECKSUM_PARTIAL : 0;
      session.bond.handleInner(slot, now);
    }
    this.#counters[WORK_INDEX["tun-packets-in"]]! += count;
  }

  #acceptPlain(session: LoopSession, length: number, now: Micros): void {
    const pool = this.#pool;
    if (length > pool.capacityBytes) {
      this.#drop("oversized");
      return;
    }
    const slot = pool.alloc();
    if (slot < 0) {
      this.#drop("no-packet-buffer");
      return;
    }
    this.#io.memory.bytes.copyWithin(pool.packetOffset(slot), this.#readOffset, this.#readOffset + length);
    pool.length[slot] = length;
    session.bond.handleInner(slot, now);
    this.#counters[WORK_INDEX["tun-packets-in"]]!++;
  }

  /** Upper bound of the packets that the read will be cut into, whatever MTU somebody gave the device. */
  #largestPacket(length: number): number {
    const segment = this.#io.memory.view.getUint16(this.#readOffset + VNET_HEADER.GSO_SIZE, true);
    return segment === 0 ? length - VNET_HEADER.LENGTH : segment + MAX_HEADER_BYTES;
  }

  #notSent(bond: Bond, path: PathId, sent: number, now: Micros): void {
    if (sent === -EMSGSIZE) {
      this.#counters[WORK_INDEX["udp-runs-refused"]]!++;
      bond.handleRefused(path, bond.run.segmentBytes, now);
      return;
    }
    if (sent >= 0 || sent === WOULD_BLOCK) {
      this.#drop("send-blocked");
      return;
    }
    this.#drop("send-failed");
    this.#sockets.onSendError(path, -sent);
  }

  #drop(reason: keyof typeof EDGE_INDEX): void {
    this.#counters[EDGE_INDEX[reason]]!++;
  }
}

/** asm-generic/errno.h: the datagram is longer than the interface's MTU. */
const EMSGSIZE = 90;
/** virtio_net_hdr and the largest IP packet. */
const READ_BYTES = 10 + 65_535;
/** IP and TCP headers with every option. */
const MAX_HEADER_BYTES = 120;
/** Reads, and runs per session, before other stages get their turn: about a millisecond's work each. */
const READ_BUDGET = 64;
const RUN_BUDGET = 64;
/** Packets worth a send of their own: half of the largest run, and less than one read of a TCP flow brings. */
const RUN_PACKETS = 32;
