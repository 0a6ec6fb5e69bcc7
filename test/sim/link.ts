import type { Datagram, DatagramStore } from "./datagram-store.ts";
import { Random } from "./random.ts";

/** Ethernet, IP and UDP headers: what a link counts on top of a UDP payload. */
const FRAME_OVERHEAD_BYTES = 42;
const ETHERNET_BYTES = 14;
/** A trace line is an opportunity for this many IP bytes, as in mahimahi; what finds no packet in the queue is lost. */
const OPPORTUNITY_BYTES = 1_504;
/** A bottleneck queue holds two full frames, however short it is. */
const QUEUE_MIN_BYTES = 2 * 1_514;
/** Bytes per millisecond at 1 Mbit/s. */
const BYTES_PER_MBIT_MS = 125;

/** Loss in bursts: two states, each with its own loss probability (Gilbert–Elliott). Probabilities are per packet. */
export interface BurstLoss {
  readonly toBad: number;
  readonly toGood: number;
  readonly lossInBad: number;
}

/** One direction of a link. Rates count Ethernet frames, as profiles.json does. */
export interface LinkOptions {
  readonly rateMbit: number;
  /** One way, without queue. */
  readonly delayMs: number;
  /** Uniform, plus or minus; the order of packets is kept. */
  readonly jitterMs?: number;
  readonly lossPct?: number;
  readonly burstLoss?: BurstLoss;
  /** Length of the bottleneck's tail-drop queue at full rate. */
  readonly queueMs: number;
  /** Share of packets that are held back by `reorderMs` and overtaken. */
  readonly reorderPct?: number;
  readonly reorderMs?: number;
  readonly duplicatePct?: number;
  /** Delivery opportunities instead of a constant rate: milliseconds, repeated at the end. `rateMbit` should be their mean. */
  readonly trace?: Float64Array;
  /** Larger IP packets vanish silently. */
  readonly mtuBytes?: number;
}

/** Gets what arrives. The datagram lies in the arena and is only valid during the call. */
export type Deliver = (offset: number, length: number) => void;

/**
 * One direction of an emulated link: a tail-drop queue, a server of a given rate (or trace), loss, and a propagation stage with delay and
 * jitter. All times are virtual µs.
 */
export class Link {
  /** When `run` has something to do. */
  nextAt: number = Number.POSITIVE_INFINITY;
  /** Swallows everything, silently. */
  isCut = false;
  offeredPackets = 0;
  offeredBytes = 0;
  lostPackets = 0;
  overflowPackets = 0;
  deliveredPackets = 0;
  /** Frame bytes that the bottleneck has served. */
  servedBytes = 0;
  queuedBytes = 0;
  /** Sum of the queueing delay of served packets, for its mean. */
  queueUsSum = 0;
  servedPackets = 0;

  #options: LinkOptions;
  readonly #store: DatagramStore;
  readonly #random: Random;
  readonly #deliver: Deliver;
  readonly #waiting: Datagram[] = [];
  #waitingHead = 0;
  readonly #flying = new ArrivalQueue();
  #servingUntil = Number.POSITIVE_INFINITY;
  #lastDeliveryAt = 0.5;
  #isBad = false;
  #traceIndex = 0;
  #traceEpochUs = 0.5;
  #opportunityAt = 0.5;
  #creditBytes = 0;

  constructor(options: LinkOptions, seed: number, store: DatagramStore, deliver: Deliver) {
    this.#options = options;
    this.#store = store;
    this.#random = new Random(seed);
    this.#deliver = deliver;
  }

  get options(): LinkOptions {
    return this.#options;
  }

  /** Changes properties at run time; what is queued is served at the new rate. */
  change(options: Partial<LinkOptions>, now: number): void {
    this.#options = { ...this.#options, ...options };
    if (this.#waiting.length > this.#waitingHead) this.#startService(now);
    this.#rearm();
  }

  /** Takes a copy of a datagram of the arena. */
  send(offset: number, length: number, now: number): void {
    const { queueMs, mtuBytes = Number.POSITIVE_INFINITY, rateMbit } = this.#options;
    const frameBytes = length + FRAME_OVERHEAD_BYTES;
    this.offeredPackets++;
    this.offeredBytes += frameBytes;
    if (this.isCut || frameBytes - ETHERNET_BYTES > mtuBytes) return;
    const limitBytes = Math.max(QUEUE_MIN_BYTES, queueMs * rateMbit * BYTES_PER_MBIT_MS);
    if (this.queuedBytes + frameBytes > limitBytes) {
      this.overflowPackets++;
      return;
    }
    const datagram = this.#store.take(offset, length);
    datagram.enteredAt = now;
    this.queuedBytes += frameBytes;
    this.#waiting.push(datagram);
    if (this.#waiting.length - this.#waitingHead > 1) return;
    this.#startService(now);
    if (this.#servingUntil < this.nextAt) this.nextAt = this.#servingUntil;
  }

  run(now: number): void {
    while (this.#servingUntil <= now) this.#finishService(this.#servingUntil);
    for (let next = this.#flying.peek(); next !== undefined && next.at <= now; next = this.#flying.peek()) {
      this.#flying.shift();
      this.deliveredPackets++;
      this.#deliver(next.offset, next.length);
      this.#store.give(next);
    }
    this.#rearm();
  }

  #startService(now: number): void {
    const frameBytes = this.#waiting[this.#waitingHead]!.length + FRAME_OVERHEAD_BYTES;
    const { trace, rateMbit } = this.#options;
    this.#servingUntil =
      trace === undefined
        ? now + (frameBytes * 8) / Math.max(rateMbit, 1e-3)
        : this.#serveByTrace(trace, frameBytes - ETHERNET_BYTES, now);
  }

  #finishService(at: number): void {
    const datagram = this.#waiting[this.#waitingHead++]!;
    if (this.#waitingHead > 1_024 && this.#waitingHead * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#waitingHead);
      this.#waitingHead = 0;
    }
    const frameBytes = datagram.length + FRAME_OVERHEAD_BYTES;
    this.queuedBytes -= frameBytes;
    this.servedBytes += frameBytes;
    this.servedPackets++;
    this.queueUsSum += at - datagram.enteredAt;
    this.#servingUntil = Number.POSITIVE_INFINITY;
    if (this.#waiting.length > this.#waitingHead) this.#startService(at);
    if (this.isCut || this.#isLost()) {
      this.lostPackets++;
      this.#store.give(datagram);
      return;
    }
    this.#fly(datagram, at);
  }

  #fly(datagram: Datagram, at: number): void {
    const { delayMs, jitterMs = 0, reorderPct = 0, reorderMs = 0, duplicatePct = 0 } = this.#options;
    const jitterUs = jitterMs > 0 ? this.#random.between(-jitterMs, jitterMs) * 1_000 : 0;
    const arriveAt = Math.max(at + Math.max(0, delayMs * 1_000 + jitterUs), this.#lastDeliveryAt);
    datagram.at = arriveAt;
    if (reorderPct > 0 && this.#random.chance(reorderPct / 100)) datagram.at += reorderMs * 1_000;
    else this.#lastDeliveryAt = arriveAt;
    this.#flying.push(datagram);
    if (duplicatePct > 0 && this.#random.chance(duplicatePct / 100)) {
      const copy = this.#store.take(datagram.offset, datagram.length);
      copy.at = datagram.at + 1;
      this.#flying.push(copy);
    }
  }

  #isLost(): boolean {
    const { lossPct = 0, burstLoss } = this.#options;
    if (burstLoss !== undefined) {
      this.#isBad = this.#isBad ? !this.#random.chance(burstLoss.toGood) : this.#random.chance(burstLoss.toBad);
      if (this.#isBad && this.#random.chance(burstLoss.lossInBad)) return true;
    }
    return lossPct > 0 && this.#random.chance(lossPct / 100);
  }

  /** When the packet at the head of the queue has left by the trace. Small packets share an opportunity. */
  #serveByTrace(trace: Float64Array, ipBytes: number, now: number): number {
    let at = now;
    let credit = now === this.#opportunityAt ? this.#creditBytes : 0;
    while (credit < ipBytes) {
      at = this.#nextOpportunity(trace);
      if (at >= now) credit += OPPORTUNITY_BYTES;
    }
    this.#opportunityAt = at;
    this.#creditBytes = credit - ipBytes;
    return at;
  }

  #nextOpportunity(trace: Float64Array): number {
    const at = this.#traceEpochUs + trace[this.#traceIndex]! * 1_000;
    if (++this.#traceIndex >= trace.length) {
      this.#traceIndex = 0;
      this.#traceEpochUs += trace[trace.length - 1]! * 1_000;
    }
    return at;
  }

  #rearm(): void {
    const arrivalAt = this.#flying.peek()?.at ?? Number.POSITIVE_INFINITY;
    this.nextAt = Math.min(arrivalAt, this.#servingUntil);
  }
}

/** Datagrams in flight by time of arrival. Without reordering every push is the latest, and costs one comparison. */
class ArrivalQueue {
  readonly #items: Datagram[] = [];
  #head = 0;

  peek(): Datagram | undefined {
    return this.#head < this.#items.length ? this.#items[this.#head] : undefined;
  }

  push(datagram: Datagram): void {
    const items = this.#items;
    let index = items.length;
    items.push(datagram);
    while (index > this.#head && items[index - 1]!.at > datagram.at) {
      items[index] = items[index - 1]!;
      index--;
    }
    items[index] = datagram;
  }

  shift(): void {
    if (++this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
