import type { Aead, Arena, KeyHandle } from "@edgebos/tunnel";

const TAG_BYTES = 16;

/**
 * A cipher for simulations: it authenticates header and content by a 32-bit checksum under a key and masks the plaintext, so that a wrong key, a
 * changed bit or a wrong nonce is noticed. No secrecy whatsoever.
 */
export class ToyAead implements Aead {
  readonly #arena: Arena;
  readonly #keys: number[] = [];

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  importKey(key: Uint8Array): KeyHandle {
    let hash = 17;
    for (const byte of key) hash = (Math.imul(hash, 31) + byte) | 0;
    return (this.#keys.push(hash) - 1) as KeyHandle;
  }

  dropKey(key: KeyHandle): void {
    this.#keys[key] = 0;
  }

  seal(key: KeyHandle, nonceOffset: number, inOffset: number, length: number, outOffset: number): number {
    const { bytes, view } = this.#arena;
    bytes.copyWithin(outOffset, inOffset, inOffset + length);
    const tag = this.#tag(key, nonceOffset, outOffset, length);
    for (let i = 0; i < TAG_BYTES; i += 4) view.setInt32(outOffset + length + i, tag ^ i);
    return length + TAG_BYTES;
  }

  open(key: KeyHandle, nonceOffset: number, inOffset: number, length: number, outOffset: number): number {
    const { bytes, view } = this.#arena;
    const plainBytes = length - TAG_BYTES;
    if (plainBytes < 0) return -1;
    const tag = this.#tag(key, nonceOffset, inOffset, plainBytes);
    for (let i = 0; i < TAG_BYTES; i += 4) {
      if (view.getInt32(inOffset + plainBytes + i) !== (tag ^ i)) return -1;
    }
    bytes.copyWithin(outOffset, inOffset, inOffset + plainBytes);
    return plainBytes;
  }

  #tag(key: KeyHandle, nonceOffset: number, offset: number, length: number): number {
    const { view, bytes } = this.#arena;
    let hash = this.#keys[key]! ^ length;
    for (let i = 0; i < 12; i += 4) hash = (Math.imul(hash, 0x01000193) ^ view.getInt32(nonceOffset + i, true)) | 0;
    const wordsEnd = offset + (length & ~7);
    for (let i = offset; i < wordsEnd; i += 8) {
      hash = (Math.imul(hash, 0x01000193) + view.getInt32(i, true) + Math.imul(view.getInt32(i + 4, true), 31)) | 0;
    }
    for (let i = wordsEnd; i < offset + length; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    return hash;
  }
}
