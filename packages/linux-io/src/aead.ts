/**
 * AEAD by OpenSSL's EVP interface: AES-256-GCM and ChaCha20-Poly1305, out of place, with the packet header as nonce and no
 * associated data (docs/protocol.md §4). One context per key keeps the expanded key; a packet costs three calls to open and
 * four to seal. The tag goes in with the nonce and comes out through one OSSL_PARAM, which is half the cost of
 * EVP_CIPHER_CTX_ctrl.
 */

import type { Aead, KeyHandle } from "@edgebos/tunnel";
import { loadCrypto } from "./crypto-library.ts";
import { allocateMemory, setAddress } from "./memory.ts";
import type { Memory } from "./types.ts";

export type CipherName = "aes-256-gcm" | "chacha20-poly1305";

/**
 * Offsets of `seal` and `open` are into `memory`. Not to be shared between threads.
 * @throws CryptoLibraryError where OpenSSL 3 is missing.
 */
export function createAead(memory: Memory, cipher: CipherName): Aead {
  return new EvpAead(memory, cipher);
}

class EvpAead implements Aead {
  readonly #crypto = loadCrypto();
  readonly #cipher: number;
  readonly #memory: Memory;
  /** EVP_CIPHER_CTX by key handle; 0 for a dropped key. */
  readonly #contexts: number[] = [];
  readonly #scratch = allocateMemory(SCRATCH.SIZE);
  readonly #tag: number;
  readonly #ignored: number;

  constructor(memory: Memory, cipher: CipherName) {
    this.#memory = memory;
    this.#cipher = cipher === "aes-256-gcm" ? this.#crypto.EVP_aes_256_gcm() : this.#crypto.EVP_chacha20_poly1305();
    this.#tag = this.#scratch.address + SCRATCH.TAG_PARAM;
    this.#ignored = this.#scratch.address + SCRATCH.IGNORED;
    this.#describeTag();
  }

  importKey(key: Uint8Array, use: "seal" | "open"): KeyHandle {
    if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, this one ${key.length}`);
    const context = this.#crypto.EVP_CIPHER_CTX_new();
    const { bytes, address } = this.#scratch;
    bytes.set(key, SCRATCH.KEY);
    const initialize = use === "seal" ? this.#crypto.EVP_EncryptInit_ex2 : this.#crypto.EVP_DecryptInit_ex2;
    const result = initialize(context, this.#cipher, address + SCRATCH.KEY, 0, 0);
    bytes.fill(0, SCRATCH.KEY, SCRATCH.KEY + KEY_BYTES);
    if (result !== 1) throw new Error("OpenSSL refused the key");
    return (this.#contexts.push(context) - 1) as KeyHandle;
  }

  dropKey(key: KeyHandle): void {
    this.#crypto.EVP_CIPHER_CTX_free(this.#contexts[key] ?? 0);
    this.#contexts[key] = 0;
  }

  seal(key: KeyHandle, nonceOffset: number, inOffset: number, length: number, outOffset: number): number {
    const context = this.#context(key);
    const { address } = this.#memory;
    const out = address + outOffset;
    this.#pointTagTo(out + length);
    const { EVP_EncryptInit_ex2, EVP_EncryptUpdate, EVP_EncryptFinal_ex, EVP_CIPHER_CTX_get_params } = this.#crypto;
    const done =
      EVP_EncryptInit_ex2(context, 0, 0, address + nonceOffset, 0) &
      EVP_EncryptUpdate(context, out, this.#ignored, address + inOffset, length) &
      EVP_EncryptFinal_ex(context, this.#ignored, this.#ignored) &
      EVP_CIPHER_CTX_get_params(context, this.#tag);
    if (done !== 1) throw new Error("OpenSSL failed to seal a packet");
    return length + TAG_BYTES;
  }

  open(key: KeyHandle, nonceOffset: number, inOffset: number, length: number, outOffset: number): number {
    const plainLength = length - TAG_BYTES;
    if (plainLength < 0) return -1;
    const context = this.#context(key);
    const { address } = this.#memory;
    const input = address + inOffset;
    this.#pointTagTo(input + plainLength);
    const { EVP_DecryptInit_ex2, EVP_DecryptUpdate, EVP_DecryptFinal_ex } = this.#crypto;
    const done =
      EVP_DecryptInit_ex2(context, 0, 0, address + nonceOffset, this.#tag) &
      EVP_DecryptUpdate(context, address + outOffset, this.#ignored, input, plainLength) &
      EVP_DecryptFinal_ex(context, this.#ignored, this.#ignored);
    return done === 1 ? plainLength : -1;
  }

  #context(key: KeyHandle): number {
    const context = this.#contexts[key];
    if (context === undefined || context === 0) throw new RangeError(`no key has the handle ${key}`);
    return context;
  }

  /** The array { "tag", octet string, …, 16 } and its end. */
  #describeTag(): void {
    const { view, bytes, address } = this.#scratch;
    bytes.set(Buffer.from("tag\0", "latin1"), SCRATCH.TAG_NAME);
    setAddress(view, SCRATCH.TAG_PARAM + OSSL_PARAM.KEY, address + SCRATCH.TAG_NAME);
    view.setUint32(SCRATCH.TAG_PARAM + OSSL_PARAM.DATA_TYPE, OSSL_PARAM_OCTET_STRING, true);
    setAddress(view, SCRATCH.TAG_PARAM + OSSL_PARAM.DATA_SIZE, TAG_BYTES);
  }

  #pointTagTo(address: number): void {
    setAddress(this.#scratch.view, SCRATCH.TAG_PARAM + OSSL_PARAM.DATA, address);
  }
}

const KEY_BYTES = 32;
const TAG_BYTES = 16;

/** struct ossl_param_st, openssl/core.h; an array ends with a null key */
const OSSL_PARAM = { KEY: 0, DATA_TYPE: 8, DATA: 16, DATA_SIZE: 24, SIZE: 40 } as const;
const OSSL_PARAM_OCTET_STRING = 5;

const SCRATCH = { KEY: 0, TAG_NAME: 32, IGNORED: 48, TAG_PARAM: 64, SIZE: 64 + 2 * OSSL_PARAM.SIZE } as const;
