import { FrameRing } from "./frame-ring.ts";
import { Random } from "./random.ts";
import type { DirectionCounters, DirectionSettings } from "./settings.ts";
import { FRAME_TO_TRACE_BYTES, loadTrace, meanRateBps, OPPORTUNITY_BYTES, type Trace, TraceCursor } from "./trace.ts";

/** Largest Ethernet frame that is taken in: 1,500 bytes of IP, the header, a VLAN tag and some air. */
export const FRAME_CAPACITY_BYTES = 2048;
const ETHERNET_HEADER_BYTES = 14;
/** A queue shorter than this would not even hold one burst of two full frames. */
const MIN_QUEUE_BYTES = 2 * 1514;
/** Frames that are held back to be overtaken. Rare by nature. */
const LATE_RING_BYTES = 512 * 1024;
const LATE_RING_FRAMES = 512;

/**
 * One direction of an emulated link: tail-drop queue → bottleneck (rate or trace) → loss → delay and jitter. Pure: time
 * comes in as microseconds, frames are written by the caller straight into the ring's memory.
 *
 * Take in: `reserve`, write the frame there, `accept`. Give out: `advance`, then while `dueFrame` is not -1 read
 * `dueOffset` and `dueLength`, then `release`. Sleep until `nextDeadlineUs`.
 */
export class Direction {
  readonly counters: Mutable<DirectionCounters>;
  readonly #bytes: Uint8Array;
  readonly #ring: FrameRing;
  readonly #lateRing: FrameRing;
  readonly #random: Random;
  #settings: DirectionSettings;
  #trace: Trace | null = null;
  #cursor: TraceCursor | null = null;
  /** Trace bytes that the frame in service still needs; 0 = none has been begun. */
  #frameRestBytes = 0;
  #queueLimitBytes = 0;
  #queuedBytes = 0;
  #lineFreeUs = 0;
  #lastDeliveryUs = 0;
  #inBurst = false;
  #dueRing: FrameRing;

  /** `region` lies in `bytes` and belongs to this direction alone. */
  constructor(
    bytes: Uint8Array,
    region: { readonly start: number; readonly bytes: number },
    settings: DirectionSettings,
    seed: number,
    nowUs: number,
  ) {
    this.#bytes = bytes;
    const frames = 2 ** Math.ceil(Math.log2(region.bytes / 64));
    this.#ring = new FrameRing(region.start, region.bytes - LATE_RING_BYTES, frames);
    this.#lateRing = new FrameRing(region.start + region.bytes - LATE_RING_BYTES, LATE_RING_BYTES, LATE_RING_FRAMES);
    this.#dueRing = this.#ring;
    this.#random = new Random(seed);
    this.counters = {
      framesIn: 0,
      bytesIn: 0,
      framesOut: 0,
      bytesOut: 0,
      queueDrops: 0,
      randomDrops: 0,
      cutDrops: 0,
      mtuDrops: 0,
      deviceDrops: 0,
      offeredBytes: 0,
    };
    this.#settings = settings;
    this.change(settings, nowUs);
  }

  /** Memory that a direction needs so that its queue, not its memory, is the bound. */
  static regionBytes(settings: DirectionSettings): number {
    const rateBps = settings.tracePath ? 4 * meanRateBps(loadTrace(settings.tracePath)) : settings.rateBps || 1e9;
    const heldMs = Math.min(settings.queueMs + settings.delayMs + settings.jitterMs, 2000);
    return Math.ceil((2 * rateBps * heldMs) / 8000) + LATE_RING_BYTES + 2 * 1024 * 1024;
  }

  /** New settings hold from the next frame on that the bottleneck serves. */
  change(settings: DirectionSettings, nowUs: number): void {
    this.advance(nowUs);
    const newTrace = settings.tracePath !== this.#settings.tracePath || (settings.tracePath !== "" && !this.#trace);
    this.#settings = settings;
    if (newTrace) {
      this.#trace = settings.tracePath === "" ? null : loadTrace(settings.tracePath);
      this.#cursor = this.#trace ? new TraceCursor(this.#trace, nowUs) : null;
      this.#frameRestBytes = 0;
    }
    const rateBps = this.#trace ? meanRateBps(this.#trace) : settings.rateBps;
    const limitBytes = (rateBps * settings.queueMs) / 8000;
    this.#queueLimitBytes = rateBps === 0 ? Number.POSITIVE_INFINITY : Math.max(MIN_QUEUE_BYTES, limitBytes);
  }

  get settings(): DirectionSettings {
    return this.#settings;
  }

  /** Offset for the next frame of up to {@link FRAME_CAPACITY_BYTES}, or -1 if memory is full. */
  reserve(): number {
    return this.#ring.reserve(FRAME_CAPACITY_BYTES);
  }

  /** The frame of `lengthBytes` that stands at the reserved offset has arrived. */
  accept(lengthBytes: number, nowUs: number): void {
    this.counters.framesIn++;
    this.counters.bytesIn += lengthBytes;
    if (this.#settings.cut) {
      this.counters.cutDrops++;
      return;
    }
    const { mtuBytes } = this.#settings;
    if (mtuBytes > 0 && lengthBytes - ETHERNET_HEADER_BYTES > mtuBytes) {
      this.counters.mtuDrops++;
      return;
    }
    this.#serve(nowUs);
    if (this.#queuedBytes + lengthBytes > this.#queueLimitBytes) {
      this.counters.queueDrops++;
      return;
    }
    this.#queuedBytes += lengthBytes;
    this.#ring.push(lengthBytes, nowUs);
  }

  /** A frame came while memory was full, and was read elsewhere. */
  refuse(lengthBytes: number): void {
    this.counters.framesIn++;
    this.counters.bytesIn += lengthBytes;
    this.counters.queueDrops++;
  }

  /** Lets the bottleneck work until `nowUs`. */
  advance(nowUs: number): void {
    this.#serve(nowUs);
    this.#skipLost();
  }

  /** Whether a frame is to be delivered by `nowUs`; {@link dueOffset} and {@link dueLengthBytes} are then set. */
  findDue(nowUs: number): boolean {
    const ring = this.#ring;
    const late = this.#lateRing;
    const ringUs = this.#isDue(ring, nowUs) ? ring.timeUs[ring.head & ring.mask]! : Number.POSITIVE_INFINITY;
    const lateUs = this.#isDue(late, nowUs) ? late.timeUs[late.head & late.mask]! : Number.POSITIVE_INFINITY;
    this.#dueRing = lateUs < ringUs ? late : ring;
    return Math.min(ringUs, lateUs) !== Number.POSITIVE_INFINITY;
  }

  get dueOffset(): number {
    return this.#dueRing.offset[this.#dueRing.head & this.#dueRing.mask]!;
  }

  get dueLengthBytes(): number {
    return this.#dueRing.lengthBytes[this.#dueRing.head & this.#dueRing.mask]!;
  }

  /** The due frame has left (or its device refused it). */
  release(written: boolean): void {
    if (written) {
      this.counters.framesOut++;
      this.counters.bytesOut += this.dueLengthBytes;
    } else {
      this.counters.deviceDrops++;
    }
    this.#dueRing.head++;
    this.#skipLost();
  }

  /** When something is due next; Infinity when nothing is under way. */
  nextDeadlineUs(): number {
    const late = this.#lateRing;
    const lateUs = late.head < late.served ? late.timeUs[late.head & late.mask]! : Number.POSITIVE_INFINITY;
    const ring = this.#ring;
    if (ring.head < ring.served) return Math.min(lateUs, ring.timeUs[ring.head & ring.mask]!);
    if (ring.head === ring.tail) return lateUs;
    const earliestDelayUs = Math.max(0, this.#settings.delayMs - this.#settings.jitterMs) * 1000;
    return Math.min(lateUs, this.#nextServiceUs() + earliestDelayUs);
  }

  #isDue(ring: FrameRing, nowUs: number): boolean {
    while (ring.head < ring.served && ring.timeUs[ring.head & ring.mask]! <= nowUs) {
      if (!this.#settings.cut) return true;
      this.counters.cutDrops++;
      ring.head++;
      this.#skipLost();
    }
    return false;
  }

  /** When the bottleneck will have sent the frame at `served`. */
  #nextServiceUs(): number {
    const place = this.#ring.served & this.#ring.mask;
    if (this.#cursor) {
      while (this.#cursor.timeUs() < this.#ring.timeUs[place]!) this.#passOpportunity();
      return this.#cursor.timeUs();
    }
    const startUs = Math.max(this.#lineFreeUs, this.#ring.timeUs[place]!);
    if (this.#settings.rateBps === 0) return startUs;
    return startUs + (this.#ring.lengthBytes[place]! * 8e6) / this.#settings.rateBps;
  }

  #serve(nowUs: number): void {
    const ring = this.#ring;
    while (ring.served < ring.tail) {
      const serviceUs = this.#nextServiceUs();
      if (serviceUs > nowUs) return;
      if (this.#cursor) {
        this.#serveOpportunity(serviceUs);
      } else {
        this.#lineFreeUs = serviceUs;
        this.#finishService(serviceUs);
      }
    }
    while (this.#cursor && this.#cursor.timeUs() <= nowUs) this.#passOpportunity();
  }

  #passOpportunity(): void {
    this.#cursor!.advance();
    this.counters.offeredBytes += OPPORTUNITY_BYTES;
  }

  /** Frames share an opportunity and may go on in the next one; what finds no frame is lost. */
  #serveOpportunity(serviceUs: number): void {
    const ring = this.#ring;
    let budgetBytes = OPPORTUNITY_BYTES;
    this.#passOpportunity();
    while (budgetBytes > 0 && ring.served < ring.tail) {
      const place = ring.served & ring.mask;
      if (ring.timeUs[place]! > serviceUs) return;
      if (this.#frameRestBytes === 0) this.#frameRestBytes = ring.lengthBytes[place]! + FRAME_TO_TRACE_BYTES;
      const usedBytes = Math.min(budgetBytes, this.#frameRestBytes);
      budgetBytes -= usedBytes;
      this.#frameRestBytes -= usedBytes;
      if (this.#frameRestBytes === 0) this.#finishService(serviceUs);
    }
  }

  #finishService(serviceUs: number): void {
    const ring = this.#ring;
    const place = ring.served++ & ring.mask;
    const lengthBytes = ring.lengthBytes[place]!;
    this.#queuedBytes -= lengthBytes;
    const { delayMs, jitterMs, reordering } = this.#settings;
    const jitterUs = jitterMs === 0 ? 0 : (2 * this.#random.next() - 1) * jitterMs * 1000;
    const deliveryUs = Math.max(this.#lastDeliveryUs, serviceUs + Math.max(0, delayMs * 1000 + jitterUs));
    this.#lastDeliveryUs = deliveryUs;
    ring.timeUs[place] = deliveryUs;
    if (this.#isLost()) {
      this.counters.randomDrops++;
      ring.lengthBytes[place] = 0;
    } else if (reordering && this.#random.next() < reordering.ratio) {
      this.#holdBack(place, lengthBytes, deliveryUs + reordering.extraDelayMs * 1000);
    }
  }

  #isLost(): boolean {
    const { lossRatio, burstLoss } = this.#settings;
    if (lossRatio > 0 && this.#random.next() < lossRatio) return true;
    if (!burstLoss) return false;
    if (this.#random.next() < (this.#inBurst ? burstLoss.leaveRatio : burstLoss.enterRatio)) {
      this.#inBurst = !this.#inBurst;
    }
    return this.#inBurst && this.#random.next() < burstLoss.lossRatio;
  }

  #holdBack(place: number, lengthBytes: number, deliveryUs: number): void {
    const offset = this.#lateRing.reserve(lengthBytes);
    if (offset < 0) return;
    const from = this.#ring.offset[place]!;
    this.#bytes.copyWithin(offset, from, from + lengthBytes);
    this.#lateRing.push(lengthBytes, deliveryUs);
    this.#lateRing.served = this.#lateRing.tail;
    this.#ring.lengthBytes[place] = 0;
  }

  #skipLost(): void {
    const ring = this.#ring;
    while (ring.head < ring.served && ring.lengthBytes[ring.head & ring.mask] === 0) ring.head++;
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
