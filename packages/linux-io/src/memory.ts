/** Memory that both JavaScript and the kernel can address. */

import koffi from "koffi";
import type { Memory } from "./types.ts";

/** Hands out regions of one {@link Memory}; what is reserved is never given back. */
export interface ByteArena {
  /** Returns the offset of `bytes` fresh bytes. */
  reserve(bytes: number): number;
}

/** Finds the address of an ArrayBuffer. The buffer must not be transferred to another thread or resized afterwards. */
export function memoryOf(buffer: ArrayBuffer): Memory {
  const bytes = new Uint8Array(buffer);
  return { buffer, bytes, view: new DataView(buffer), address: Number(koffi.address(bytes)) };
}

/** Fresh zeroed memory of its own. */
export function allocateMemory(lengthBytes: number): Memory {
  return memoryOf(new ArrayBuffer(lengthBytes));
}

/** An arena over `memory` from `start` to its end. */
export function arenaOf(memory: Memory, start = 0): ByteArena {
  let used = start;
  return {
    reserve(bytes: number): number {
      const offset = used;
      used += bytes;
      if (used > memory.bytes.length) throw new RangeError(`the arena of ${memory.bytes.length} bytes is full`);
      return offset;
    },
  };
}

/** Stores an address (or a 64-bit length) below 2^53 without a BigInt. */
export function setAddress(view: DataView, offset: number, address: number): void {
  // setUint32 itself takes a number modulo 2^32, without the cost of a floating-point remainder.
  view.setUint32(offset, address, true);
  view.setUint32(offset + 4, address / 0x1_0000_0000, true);
}

/** Reserves with an alignment, a power of two. */
export function reserveAligned(arena: ByteArena, bytes: number, alignment: number): number {
  const offset = arena.reserve(bytes + alignment - 1);
  return Math.ceil(offset / alignment) * alignment;
}
