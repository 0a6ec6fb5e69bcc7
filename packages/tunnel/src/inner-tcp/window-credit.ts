import { type PacketPool, SLOT_CHECKSUM_PARTIAL } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { LANES } from "../wire/lane-header.ts";
import { CreditedFlow, WINDOW_MIN_BYTES } from "./credited-flow.ts";
import type { Handshakes } from "./handshakes.ts";
import { TcpPacket } from "./tcp-packet.ts";

/** A lane counts as one flow's alone if others sent less than the smallest window into it in this time, and one after the other may have it. */
const ALONE_US = 1_000_000;
/** Less is not worth it: links as slow as that swing, and the queue that waits for their better moments is left to queue management. */
const CREDIT_MIN_BYTES = 256_000;
/** Largest packet that can be an ack without data, SYN segments included. */
const ACK_BYTES_MAX = 120;

/** What the credit needs to know of the queues. */
export interface LaneQueues {
  /** Bytes of a lane that may wait, those on their way from a host `hostUs` away included. */
  creditBytes(lane: number, hostUs: number): number;
  queuedBytes(lane: number): number;
  /** Whether all that waits in the lane is one flow's, whose window alone keeps the queue as short as it may be. */
  noteCredit(lane: number, isCredited: boolean): void;
}

/**
 * Credit for hosts whose TCP crosses the bond: acks on their way to the sending host announce no more than the receiver's own window, and no more than what our
 * queue wants next (AC/DC TCP, He et al., SIGCOMM 2016; Explicit Window Adaptation, Kalampoukas et al., 2002). The host's flight then ends in a queue that is as
 * long as it takes to keep all paths busy, and nothing has to be dropped to tell the host so: in a bond, a drop costs a flow its whole queue and a round trip.
 *
 * Only flows are credited whose handshake passed here (see {@link Handshakes}) and that have their lane to themselves. All others are left to queue management.
 * Nothing but the window field of acks to the host changes, and its checksum.
 */
export class WindowCredit {
  readonly #pool: PacketPool;
  readonly #queues: LaneQueues;
  readonly #packet = new TcpPacket();
  readonly #handshakes: Handshakes;
  readonly #flows: (CreditedFlow | undefined)[] = new Array<CreditedFlow | undefined>(LANES).fill(undefined);
  /** Bytes of others, by lane, since when they are counted, and when they last were many. */
  readonly #otherBytes = new Float64Array(LANES);
  readonly #otherSince = new Float64Array(LANES).fill(Number.NEGATIVE_INFINITY);
  readonly #sharedAt = new Float64Array(LANES).fill(Number.NEGATIVE_INFINITY);

  constructor(pool: PacketPool, queues: LaneQueues, handshakes: Handshakes) {
    this.#pool = pool;
    this.#queues = queues;
    this.#handshakes = handshakes;
  }

  /** Notes a TCP packet that comes in from the host. */
  noteData(lane: number, packet: TcpPacket, length: number, now: Micros): void {
    if (packet.isSyn) {
      packet.readSynOptions(this.#pool.arena.view);
      this.#handshakes.noteHost(packet.flow, packet.windowScale, packet.isPlainSyn, now);
    }
    const credited = this.#flows[lane];
    if (credited?.flow === packet.flow && !packet.isSyn) credited.noteData(packet.endSequence, now);
    else if (this.#handshakes.take(packet.flow, now) && isFree(credited, now))
      this.#flows[lane] = new CreditedFlow(packet.flow, packet.endSequence, this.#handshakes, now);
    else this.noteOther(lane, length, now);
  }

  /** Something that is not the credited flow's enters a lane. */
  noteOther(lane: number, length: number, now: Micros): void {
    if (now - this.#otherSince[lane]! > ALONE_US) {
      this.#otherSince[lane] = now;
      this.#otherBytes[lane] = 0;
    }
    this.#otherBytes[lane]! += length;
    if (this.#otherBytes[lane]! < WINDOW_MIN_BYTES) return;
    this.#sharedAt[lane] = now;
    if (this.#flows[lane] !== undefined) this.#queues.noteCredit(lane, false);
  }

  /** A packet goes to the host, at this moment. */
  rewrite(slot: Slot, now: Micros): void {
    const pool = this.#pool;
    const length = pool.length[slot]!;
    const credited = this.#flows[pool.lane[slot]!];
    if (length > ACK_BYTES_MAX && !credited?.isBig) {
      credited?.noteUnread();
      return;
    }
    const packet = this.#packet;
    const { view } = pool.arena;
    if (!packet.read(view, pool.packetOffset(slot), length)) return;
    if (packet.isSyn) {
      packet.readSynOptions(view);
      this.#handshakes.notePeer(packet.reverseFlow, packet.windowScale, packet.isPlainSyn, now);
      return;
    }
    if (credited?.flow !== packet.reverseFlow || !packet.hasWindow) return;
    const window = this.#windowOf(credited, pool.lane[slot]!, now);
    if (window < packet.window) packet.writeWindow(view, window, (pool.flags[slot]! & SLOT_CHECKSUM_PARTIAL) !== 0);
  }

  clear(): void {
    this.#flows.fill(undefined);
  }

  /** What the ack that was read is to announce. */
  #windowOf(credited: CreditedFlow, lane: number, now: Micros): number {
    const { acknowledgement, window } = this.#packet;
    const creditBytes = this.#queues.creditBytes(lane, credited.hostUs);
    const isCredited = now - this.#sharedAt[lane]! > ALONE_US && creditBytes >= CREDIT_MIN_BYTES;
    this.#queues.noteCredit(lane, isCredited);
    if (!isCredited) return credited.promise(acknowledgement, window);
    return credited.grant(acknowledgement, window, creditBytes, this.#queues.queuedBytes(lane));
  }
}

/** Whether a lane's flow leaves it to another: there is none, it is idle, or it has sent next to nothing. */
function isFree(credited: CreditedFlow | undefined, now: number): boolean {
  return credited === undefined || !credited.isBig || now - credited.lastAt > ALONE_US;
}
