import type { PacketPool } from "../packet-pool.ts";
import type { Micros, Slot } from "../types.ts";
import { LANES } from "../wire/lane-header.ts";
import { QuicPacket } from "./quic-packet.ts";
import { HELD_MAX, SpacedFlow } from "./spaced-flow.ts";

// From HyStart++ (RFC 9406 §4.2, §4.3) and its forerunners: a round's first 8 samples are judged, by at least 4 ms.
/** With the credit of two in a row, at most six per round are ours; rounds are longer than we think by what a growing queue adds. */
const ACKS_PER_ROUND = 4;
/** Packets that take so much longer at most are let be. */
const EXCESS_MIN_US = 4_000;

// Ours.
/** A flow is helped from this much on, a first window: most end before. */
const HELP_BYTES = 40_000;
/** From this much on its acks wait however quick our packets are: a host that is late itself raises round trips too, and we do not see it. */
const ALWAYS_BYTES = 130_000;
/** A flow without data for this long starts anew; its lane may be taken over by another. */
const IDLE_US = 1_000_000;
/** Slow start may end when our own queue exceeds the lead by this share of the round trip: then the window fills every path. */
const EXIT_SHARE = 0.5;
/** Largest inner packet that can be an ack and no more. */
const ACK_BYTES_MAX = 120;

/** What the spacer needs to know of the bond. */
export interface QueueDelays {
  /** Round trip over the slowest path in use, without queues. */
  readonly referenceUs: number;
  /** Smallest round trip of any path in use. */
  readonly quickestUs: number;
  /** Backlog, as time, that feeds the slowest path in order. */
  readonly leadUs: number;
  /** Time that a packet which comes in now will spend in our queue. */
  queueUs(lane: number): number;
  /** By how much packets of late take longer than the quickest path's, all told. */
  excessUs(lane: number): number;
}

/**
 * Helps the congestion control of hosts whose QUIC crosses the bond. A sender leaves slow start when the smallest of a round's first eight round trips exceeds that of an idle
 * bond; a second path, a repair, or our own queue, which is meant to be there, always look like that, and the window stays far below what fills the paths. What acks say is
 * encrypted, but a round that has fewer than eight is not judged, and an ack that comes after a newer one is no sample (RFC 9002 §5.1): so acks wait a fraction of a round trip for each other,
 * and the newest goes first. The sender goes on until our own queue is deep enough to fill every path; then acks pass untouched, and it leaves at once and without a loss.
 *
 * Nothing is dropped, data is never held, and a small flow's acks only while its packets take longer than over an idle bond. A flow is QUIC by its handshake.
 */
export class AckSpacer {
  readonly #pool: PacketPool;
  readonly #delays: QueueDelays;
  readonly #packet = new QuicPacket();
  readonly #flows: (SpacedFlow | undefined)[] = new Array<SpacedFlow | undefined>(LANES).fill(undefined);
  /** Flows with acks held. */
  readonly #active: SpacedFlow[] = [];

  constructor(pool: PacketPool, delays: QueueDelays) {
    this.#pool = pool;
    this.#delays = delays;
  }

  /** Notes a UDP packet that comes in from the host. */
  noteData(lane: number, offset: number, length: number, now: Micros): void {
    const packet = this.#packet;
    if (!packet.read(this.#pool.arena.view, offset, length)) return;
    const present = this.#flows[lane];
    const flow = packet.isHandshake && isFree(present, now) ? this.#begin(lane, packet.flow, now) : present;
    if (flow?.flow !== packet.flow) return;
    if (now - flow.lastDataAt > IDLE_US) flow.restart(now);
    flow.noteData(length, now);
  }

  /** Takes a packet on its way to the host if it is an ack that has to wait, or comes behind one. Returns false if it goes on at once. */
  hold(slot: Slot, now: Micros): boolean {
    const pool = this.#pool;
    const flow = this.#flows[pool.lane[slot]!];
    if (flow === undefined || (!flow.isStarting && flow.count === 0)) return false;
    const packet = this.#packet;
    if (!packet.read(pool.arena.view, pool.packetOffset(slot), pool.length[slot]!)) return false;
    if (packet.reverseFlow !== flow.flow) return false;
    const isAck = packet.isShort && pool.length[slot]! <= ACK_BYTES_MAX;
    const spacingUs = this.#spacingUs(flow, now);
    flow.refill(spacingUs, now);
    if (flow.count === 0) {
      if (!isAck) return false;
      if (flow.credit >= 1) {
        flow.credit--;
        return false;
      }
      this.#active.push(flow);
      flow.dueAt = now + (1 - flow.credit) * spacingUs;
    }
    flow.push(slot);
    if (!isAck || spacingUs === 0 || flow.count === HELD_MAX) flow.dueAt = now;
    return true;
  }

  /** The next held packet that is due, or -1. Those of one flow come in a row. */
  poll(now: Micros): Slot {
    for (let i = 0; i < this.#active.length; i++) {
      const flow = this.#active[i]!;
      if (flow.dueAt > now) continue;
      const slot = flow.take();
      if (flow.count === 0) this.#end(i, now);
      return slot;
    }
    return -1 as Slot;
  }

  /** When the next held packet is due; Infinity if none is held. */
  timeoutAt(): Micros {
    let at = Number.POSITIVE_INFINITY;
    for (const flow of this.#active) at = Math.min(at, flow.dueAt);
    return at as Micros;
  }

  clear(): void {
    for (const flow of this.#active) while (flow.count > 0) this.#pool.free(flow.take());
    this.#active.length = 0;
    this.#flows.fill(undefined);
  }

  #begin(lane: number, identity: number, now: Micros): SpacedFlow {
    const flow = new SpacedFlow(lane, identity);
    flow.restart(now);
    this.#flows[lane] = flow;
    return flow;
  }

  /** All that a flow held has gone: together they count as one. */
  #end(index: number, now: Micros): void {
    const flow = this.#active[index]!;
    flow.refill(this.#spacingUs(flow, now), now);
    flow.credit--;
    this.#active[index] = this.#active.at(-1)!;
    this.#active.pop();
  }

  /** How far apart acks are handed over, 0 if they pass; judges whether slow start is over. */
  #spacingUs(flow: SpacedFlow, now: number): number {
    if (!flow.isStarting || flow.bytes < HELP_BYTES) return 0;
    const { referenceUs, quickestUs, leadUs } = this.#delays;
    const queueUs = this.#delays.queueUs(flow.lane);
    const excessUs = Math.max(queueUs, this.#delays.excessUs(flow.lane));
    const roundUs = quickestUs + excessUs;
    if (queueUs > leadUs + EXIT_SHARE * referenceUs || !flow.isGrowing(roundUs, now)) flow.isStarting = false;
    const isNeeded = flow.bytes >= ALWAYS_BYTES || excessUs > EXCESS_MIN_US;
    return flow.isStarting && isNeeded ? roundUs / ACKS_PER_ROUND : 0;
  }
}

/** Another flow may take over the lane. */
function isFree(flow: SpacedFlow | undefined, now: Micros): boolean {
  return flow === undefined || (flow.count === 0 && now - flow.lastDataAt > IDLE_US);
}
