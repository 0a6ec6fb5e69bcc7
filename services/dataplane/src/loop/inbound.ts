/**
 * From the network to the TUN device. Stages: one receive brings runs of datagrams → each to its session's bond, which authenticates
 * and orders → packets that are due → joined into large writes to the device. No allocation per packet.
 */

import {
  type Arena,
  type Bond,
  type Micros,
  type PacketPool,
  SessionTable,
  SLOT_CHECKSUM_PARTIAL,
} from "@edgebos/tunnel";
import { EDGE_INDEX, FIRST_DROP, WORK_INDEX } from "./counters.ts";
import type { LoopIo, Udp } from "./io.ts";
import type { LoopSession } from "./session.ts";

export class Inbound {
  readonly table: SessionTable;
  readonly #io: LoopIo;
  readonly #pool: PacketPool;
  readonly #sessions: ReadonlyMap<Bond, LoopSession>;
  readonly #checkSource: boolean;
  readonly #counters: Float64Array;
  /** Packets in the coalescer; their buffers are free after its flush. */
  readonly #held = new Int32Array(HELD_PACKETS);
  #heldCount = 0;
  /** Sessions of the receive in hand. */
  readonly #received: LoopSession[] = [];

  constructor(
    io: LoopIo,
    arena: Arena,
    pool: PacketPool,
    sessions: ReadonlyMap<Bond, LoopSession>,
    checkSource: boolean,
    counters: Float64Array,
  ) {
    this.#io = io;
    this.#pool = pool;
    this.#sessions = sessions;
    this.#checkSource = checkSource;
    this.#counters = counters;
    this.table = new SessionTable(arena);
  }

  /** Receives until the socket is empty or the budget is used up; returns whether it may hold more. */
  pump(udp: Udp): boolean {
    for (let i = 0; i < RECEIVE_BUDGET; i++) {
      const messages = udp.receive();
      if (messages === 0) return false;
      this.#counters[WORK_INDEX["udp-receives"]]!++;
      const readAt = this.#io.now();
      for (let m = 0; m < messages; m++) this.#handleMessage(udp, m, readAt);
      this.#deliverReceived();
      if (messages < udp.messagesMax) return false;
    }
    this.#counters[WORK_INDEX["udp-budget-exhausted"]]!++;
    return true;
  }

  /** Hands the packets that are due to the device's next write; {@link flush} makes it. */
  deliver(session: LoopSession, now: Micros): void {
    const { bond } = session;
    const pool = this.#pool;
    for (let slot = bond.pollDeliver(now); slot >= 0; slot = bond.pollDeliver(now)) {
      const offset = pool.packetOffset(slot);
      const length = pool.length[slot]!;
      if (this.#checkSource && !session.isSource(this.#io.memory.view, offset, length)) {
        this.#counters[EDGE_INDEX["spoofed-source"]]!++;
        pool.free(slot);
        continue;
      }
      const checksumPartial = (pool.flags[slot]! & SLOT_CHECKSUM_PARTIAL) !== 0;
      if (!this.#io.coalescer.add(offset, length, checksumPartial)) {
        this.flush();
        this.#io.coalescer.add(offset, length, checksumPartial);
      }
      this.#held[this.#heldCount++] = slot;
      if (this.#heldCount === HELD_PACKETS) this.flush();
    }
  }

  flush(): void {
    if (this.#heldCount === 0) return;
    const taken = this.#io.coalescer.flush();
    this.#counters[WORK_INDEX["tun-packets-out"]]! += taken;
    this.#counters[EDGE_INDEX["tun-refused"]]! += this.#heldCount - taken;
    for (let i = 0; i < this.#heldCount; i++) this.#pool.free(this.#held[i]! as Parameters<PacketPool["free"]>[0]);
    this.#heldCount = 0;
  }

  /** After each receive, while the packets are still in the processor's cache. */
  #deliverReceived(): void {
    const now = this.#io.now();
    for (const session of this.#received) this.deliver(session, now);
    this.#received.length = 0;
    this.flush();
  }

  #handleMessage(udp: Udp, message: number, readAt: Micros): void {
    const start = udp.messageOffset(message);
    const end = start + udp.messageLength(message);
    const segment = udp.messageSegment(message);
    const address = udp.messageAddress(message);
    const { table } = this;
    const receivedAt = (readAt - udp.messageAgeUs(message)) as Micros;
    const now = message === 0 ? readAt : this.#io.now();
    let last: Bond | undefined;
    for (let at = start; at < end; at += segment) {
      const result = table.handleDatagram(at, Math.min(segment, end - at), address, receivedAt, now);
      this.#counters[WORK_INDEX["udp-datagrams-in"]]!++;
      if (result !== 0) this.#counters[FIRST_DROP + result - 1]!++;
      if (table.last === last || table.last === undefined) continue;
      last = table.last;
      const session = this.#sessions.get(last);
      if (session === undefined) continue;
      session.touched = true;
      if (!this.#received.includes(session)) this.#received.push(session);
    }
  }
}

/** Receives of up to 16 runs each before other stages get their turn. */
const RECEIVE_BUDGET = 4;
/** Bound of packets between two writes to the device. */
const HELD_PACKETS = 1024;
