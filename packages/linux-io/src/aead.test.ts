import assert from "node:assert/strict";
import { createCipheriv, randomBytes } from "node:crypto";
import { test } from "node:test";
import { type CipherName, createAead } from "./aead.ts";
import { allocateMemory } from "./memory.ts";

const NONCE = 0;
const PLAIN = 64;
const SEALED = 70_000;
const OPENED = 140_000;

for (const cipher of ["aes-256-gcm", "chacha20-poly1305"] as const) {
  test(`${cipher}: seals as node:crypto does, and opens it again, for every kind of length`, () => {
    const { memory, aead, key, seal, open } = keyPair(cipher);
    for (const length of [0, 1, 15, 16, 17, 100, 1400, 65_000]) {
      const nonce = randomBytes(12);
      const plain = randomBytes(length);
      memory.bytes.set(nonce, NONCE);
      memory.bytes.set(plain, PLAIN);
      assert.equal(aead.seal(seal, NONCE, PLAIN, length, SEALED), length + 16);
      assert.deepEqual(region(memory.bytes, SEALED, length + 16), reference(cipher, key, nonce, plain));
      assert.equal(aead.open(open, NONCE, SEALED, length + 16, OPENED), length);
      assert.deepEqual(region(memory.bytes, OPENED, length), plain);
    }
  });

  test(`${cipher}: a changed nonce, ciphertext, tag or length does not open, and the key works on afterwards`, () => {
    const { memory, aead, seal, open } = keyPair(cipher);
    memory.bytes.set(randomBytes(12), NONCE);
    const sealed = aead.seal(seal, NONCE, PLAIN, 100, SEALED);
    for (const offset of [NONCE, NONCE + 11, SEALED, SEALED + 99, SEALED + 100, SEALED + 115]) {
      memory.bytes[offset]! ^= 1;
      assert.equal(aead.open(open, NONCE, SEALED, sealed, OPENED), -1, `offset ${offset}`);
      memory.bytes[offset]! ^= 1;
    }
    for (const length of [0, 15, 16, sealed - 1, sealed + 1]) {
      assert.equal(aead.open(open, NONCE, SEALED, length, OPENED), -1, `length ${length}`);
    }
    assert.equal(aead.open(open, NONCE, SEALED, sealed, OPENED), 100);
  });
}

test("a dropped key and a key of the wrong size are refused", () => {
  const { aead, seal } = keyPair("aes-256-gcm");
  aead.dropKey(seal);
  aead.dropKey(seal);
  assert.throws(() => aead.seal(seal, NONCE, PLAIN, 10, SEALED), RangeError);
  assert.throws(() => aead.importKey(new Uint8Array(16), "seal"), RangeError);
});

function keyPair(cipher: CipherName) {
  const memory = allocateMemory(210_000);
  const aead = createAead(memory, cipher);
  const key = randomBytes(32);
  return { memory, aead, key, seal: aead.importKey(key, "seal"), open: aead.importKey(key, "open") };
}

function reference(cipher: CipherName, key: Buffer, nonce: Buffer, plain: Buffer): Buffer {
  // Both ciphers have the same call shape; the typings know the two by different overloads.
  const encipher = createCipheriv(cipher as "aes-256-gcm", key, nonce, { authTagLength: 16 });
  return Buffer.concat([encipher.update(plain), encipher.final(), encipher.getAuthTag()]);
}

function region(bytes: Uint8Array, offset: number, length: number): Buffer {
  return Buffer.from(bytes.slice(offset, offset + length));
}
