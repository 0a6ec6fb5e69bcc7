import { Random } from "./random.ts";

/** Ethernet, IP and UDP headers: what a link counts on top of a UDP payload. */
const FRAME_OVERHEAD_BYTES = 42;
const BUFFER_BYTES = 2_048;
/** A trace line is an opportunity for one packet of at most this many IP bytes. */
const TRACE_PACKET_BYTES = 1_504;

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
  /** Delivery opportunities instead of a constant rate: milliseconds, repeated at the end. */
  readonly trace?: Float64Array;
  /** Datagrams with a larger UDP payload vanish. */
  readonly mtuPayloadBytes?: number;
}

export type Deliver = (bytes: Uint8Array, offset: number, length: number) => void;

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
  readonly #random: Random;
  readonly #deliver: Deliver;
  readonly #waiting: Packet[] = [];
  #waitingHead = 0;
  readonly #flying = new PacketHeap();
  readonly #spare: Packet[] = [];
  #servingUntil = Number.POSITIVE_INFINITY;
  #lastDeliveryAt = 0;
  #isBad = false;
  #traceIndex = 0;
  #traceEpochUs = 0;

  constructor(options: LinkOptions, seed: number, deliver: Deliver) {
    this.#options = options;
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

  send(bytes: Uint8Array, offset: number, length: number, now: number): void {
    const { queueMs, mtuPayloadBytes } = this.#options;
    this.offeredPackets++;
    this.offeredBytes += length + FRAME_OVERHEAD_BYTES;
    if (this.isCut || (mtuPayloadBytes !== undefined && length > mtuPayloadBytes)) return;
    const frameBytes = length + FRAME_OVERHEAD_BYTES;
    const limitBytes = Math.max(2 * 1514, queueMs * this.#options.rateMbit * 125);
    if (this.queuedBytes + frameBytes > limitBytes) {
      this.overflowPackets++;
      return;
    }
    const packet = this.#spare.pop() ?? { data: new Uint8Array(BUFFER_BYTES), length: 0, at: 0, enteredAt: 0 };
    packet.data.set(bytes.subarray(offset, offset + length));
    packet.length = length;
    packet.enteredAt = now;
    this.queuedBytes += frameBytes;
    this.#waiting.push(packet);
    if (this.#waiting.length - this.#waitingHead === 1) this.#startService(now);
    this.#rearm();
  }

  run(now: number): void {
    while (this.#servingUntil <= now) this.#finishService(this.#servingUntil);
    for (let next = this.#flying.peek(); next !== undefined && next.at <= now; next = this.#flying.peek()) {
      this.#flying.pop();
      this.deliveredPackets++;
      this.#deliver(next.data, 0, next.length);
      this.#spare.push(next);
    }
    this.#rearm();
  }

  #startService(now: number): void {
    const packet = this.#waiting[this.#waitingHead]!;
    const { trace, rateMbit } = this.#options;
    const bits = (packet.length + FRAME_OVERHEAD_BYTES) * 8;
    this.#servingUntil =
      trace === undefined ? now + bits / Math.max(rateMbit, 1e-3) : this.#nextOpportunity(trace, now);
  }

  #finishService(at: number): void {
    const packet = this.#waiting[this.#waitingHead++]!;
    if (this.#waitingHead > 1_024 && this.#waitingHead * 2 > this.#waiting.length) {
      this.#waiting.splice(0, this.#waitingHead);
      this.#waitingHead = 0;
    }
    const frameBytes = packet.length + FRAME_OVERHEAD_BYTES;
    this.queuedBytes -= frameBytes;
    this.servedBytes += frameBytes;
    this.servedPackets++;
    this.queueUsSum += at - packet.enteredAt;
    this.#servingUntil = Number.POSITIVE_INFINITY;
    if (this.#waiting.length > this.#waitingHead) this.#startService(at);
    if (this.isCut || this.#isLost()) {
      this.lostPackets++;
      this.#spare.push(packet);
      return;
    }
    this.#fly(packet, at);
  }

  #fly(packet: Packet, at: number): void {
    const { delayMs, jitterMs = 0, reorderPct = 0, reorderMs = 0, duplicatePct = 0 } = this.#options;
    const jitterUs = jitterMs > 0 ? this.#random.between(-jitterMs, jitterMs) * 1_000 : 0;
    const arriveAt = Math.max(at + Math.max(0, delayMs * 1_000 + jitterUs), this.#lastDeliveryAt);
    packet.at = arriveAt;
    if (reorderPct > 0 && this.#random.chance(reorderPct / 100)) packet.at += reorderMs * 1_000;
    else this.#lastDeliveryAt = arriveAt;
    this.#flying.push(packet);
    if (duplicatePct > 0 && this.#random.chance(duplicatePct / 100)) {
      const copy = { data: packet.data.slice(), length: packet.length, at: packet.at + 1, enteredAt: packet.enteredAt };
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

  #nextOpportunity(trace: Float64Array, now: number): number {
    const periodUs = trace[trace.length - 1]! * 1_000;
    const frameBytes = this.#waiting[this.#waitingHead]!.length + FRAME_OVERHEAD_BYTES;
    let opportunities = Math.ceil((frameBytes - 14) / TRACE_PACKET_BYTES);
    let at = now;
    while (opportunities > 0) {
      at = this.#traceEpochUs + trace[this.#traceIndex]! * 1_000;
      if (++this.#traceIndex >= trace.length) {
        this.#traceIndex = 0;
        this.#traceEpochUs += periodUs;
      }
      if (at >= now) opportunities--;
    }
    return at;
  }

  #rearm(): void {
    this.nextAt = Math.min(this.#servingUntil, this.#flying.peek()?.at ?? Number.POSITIVE_INFINITY);
  }
}

interface Packet {
  readonly data: Uint8Array;
  length: number;
  at: number;
  enteredAt: number;
}

/** Packets on the wire by arrival time. Without reordering every push is the largest, and costs one comparison. */
class PacketHeap {
  readonly #items: Packet[] = [];
  #head = 0;

  peek(): Packet | undefined {
    return this.#items[this.#head];
  }

  push(packet: Packet): void {
    const items = this.#items;
    let index = items.length;
    items.push(packet);
    while (index > this.#head && items[index - 1]!.at > packet.at) {
      items[index] = items[index - 1]!;
      index--;
    }
    items[index] = packet;
  }

  pop(): void {
    if (++this.#head > 1_024 && this.#head * 2 > this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
