/**
 * Frames in order of arrival, in one region of memory that is used in a circle. A frame passes three stations: `tail`
 * (it arrives), `served` (the bottleneck has sent it) and `head` (it is delivered and gone). Each station is a counter of
 * frames; `index & mask` is the place of a frame in the arrays.
 */
export class FrameRing {
  head = 0;
  served = 0;
  tail = 0;
  readonly mask: number;
  /** Arrival before, delivery after the frame has been served. */
  readonly timeUs: Float64Array;
  readonly offset: Float64Array;
  /** 0: lost behind the bottleneck. */
  readonly lengthBytes: Uint16Array;
  readonly #regionStart: number;
  readonly #regionEnd: number;
  #writeOffset: number;

  /** `frames` must be a power of two. */
  constructor(regionStart: number, regionBytes: number, frames: number) {
    this.mask = frames - 1;
    this.timeUs = new Float64Array(frames);
    this.offset = new Float64Array(frames);
    this.lengthBytes = new Uint16Array(frames);
    this.#regionStart = regionStart;
    this.#regionEnd = regionStart + regionBytes;
    this.#writeOffset = regionStart;
  }

  /** Where a frame of up to `capacityBytes` may be written, or -1 if the ring is full. */
  reserve(capacityBytes: number): number {
    if (this.tail - this.head > this.mask) return -1;
    if (this.tail === this.head) {
      this.#writeOffset = this.#regionStart;
      return this.#writeOffset;
    }
    const oldest = this.offset[this.head & this.mask]!;
    if (this.#writeOffset > oldest) {
      if (this.#writeOffset + capacityBytes <= this.#regionEnd) return this.#writeOffset;
      this.#writeOffset = this.#regionStart;
    }
    return this.#writeOffset + capacityBytes <= oldest ? this.#writeOffset : -1;
  }

  /** Takes in the frame that was written at the reserved place. */
  push(lengthBytes: number, nowUs: number): void {
    const place = this.tail++ & this.mask;
    this.timeUs[place] = nowUs;
    this.offset[place] = this.#writeOffset;
    this.lengthBytes[place] = lengthBytes;
    this.#writeOffset += lengthBytes;
  }
}
