import { AckSpacer, type QueueDelays } from "../inner-quic/ack-spacer.ts";
import { AckShaper, type BondDelays } from "../inner-tcp/ack-shaper.ts";
import { HandshakeHold } from "../inner-tcp/handshake-hold.ts";
import { Handshakes } from "../inner-tcp/handshakes.ts";
import { TcpPacket } from "../inner-tcp/tcp-packet.ts";
import { type LaneQueues, WindowCredit } from "../inner-tcp/window-credit.ts";
import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { TCP, UDP } from "../wire/inner-packet.ts";
import type { Lane } from "./lane.ts";

/** Helps the hosts' congestion control by when their acks are handed over: TCP's, which can be read, and QUIC's, which cannot; and by how much TCP's let them send. */
export class AckHelp {
  readonly #pool: PacketPool;
  readonly #packet = new TcpPacket();
  readonly #handshakes: HandshakeHold;
  readonly #tcp: AckShaper;
  readonly #quic: AckSpacer;
  readonly #credit: WindowCredit;

  constructor(pool: PacketPool, delays: BondDelays & QueueDelays & LaneQueues) {
    this.#pool = pool;
    const handshakes = new Handshakes();
    this.#handshakes = new HandshakeHold(pool, delays, handshakes);
    this.#tcp = new AckShaper(pool, delays);
    this.#quic = new AckSpacer(pool, delays);
    this.#credit = new WindowCredit(pool, delays, handshakes);
  }

  /** Notes an inner packet that comes in from the host. */
  noteData(protocol: number, lane: Lane, offset: number, length: number, now: Micros): void {
    if (protocol === TCP) {
      const packet = this.#packet;
      if (!packet.read(this.#pool.arena.view, offset, length)) return;
      this.#tcp.noteData(lane.id, packet, now);
      this.#credit.noteData(lane.id, packet, length, now);
      return;
    }
    this.#credit.noteOther(lane.id, length, now);
    if (protocol === UDP) this.#quic.noteData(lane.id, offset, length, now);
  }

  /** Takes a packet on its way to the host if it is an ack that has to wait. Returns false if the packet goes on at once. */
  hold(slot: Slot, now: Micros): boolean {
    return this.#handshakes.hold(slot, now) || this.#tcp.hold(slot, now) || this.#quic.hold(slot, now);
  }

  /** A packet goes to the host, at this moment. */
  handOver(slot: Slot, now: Micros): void {
    this.#credit.rewrite(slot, now);
  }

  /** The next held packet that is due, or -1. */
  poll(now: Micros): Slot {
    const answer = this.#handshakes.poll(now);
    if (answer >= 0) return answer;
    const slot = this.#tcp.poll(now);
    return slot >= 0 ? slot : this.#quic.poll(now);
  }

  /** When the next held packet is due; Infinity if none is held. */
  timeoutAt(): Micros {
    return Math.min(this.#handshakes.timeoutAt(), this.#tcp.timeoutAt(), this.#quic.timeoutAt()) as Micros;
  }

  clear(): void {
    this.#handshakes.clear();
    this.#tcp.clear();
    this.#quic.clear();
    this.#credit.clear();
  }
}
