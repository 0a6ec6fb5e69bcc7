import { TunnelError } from "./errors.ts";

/**
 * One block of memory for every packet, header and address record of a data plane, so that native code can be handed
 * plain offsets. Regions are reserved once, at start, and never returned.
 */
export class Arena {
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  #usedBytes = 0;

  constructor(bytes: number) {
    this.buffer = new ArrayBuffer(bytes);
    this.bytes = new Uint8Array(this.buffer);
    this.view = new DataView(this.buffer);
  }

  /** Returns the offset of a fresh region of `bytes` bytes. `alignment` is a power of two. */
  reserve(bytes: number, alignment = 64): number {
    const offset = Math.ceil(this.#usedBytes / alignment) * alignment;
    if (offset + bytes > this.buffer.byteLength) {
      throw new TunnelError(
        "arena-full",
        `The packet memory of ${this.buffer.byteLength} bytes is too small: ${bytes} more bytes were asked for after ${offset}. Create a larger Arena.`,
      );
    }
    this.#usedBytes = offset + bytes;
    return offset;
  }
}
