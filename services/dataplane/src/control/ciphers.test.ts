import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseCipher, ownCiphers } from "./ciphers.ts";

const WITH_AES = ownCiphers("flags\t\t: fpu sse2 aes avx\n");
const WITHOUT_AES = ownCiphers("Features\t: fp asimd evtstrm\n");

test("a processor with AES instructions wants AES, one without wants ChaCha20", () => {
  assert.equal(WITH_AES[0], "aes-256-gcm");
  assert.equal(ownCiphers("Features\t: fp asimd aes pmull\n")[0], "aes-256-gcm");
  assert.equal(WITHOUT_AES[0], "chacha20-poly1305");
});

test("the end without AES instructions decides", () => {
  assert.equal(chooseCipher(WITH_AES, WITH_AES), "aes-256-gcm");
  assert.equal(chooseCipher(WITH_AES, WITHOUT_AES), "chacha20-poly1305");
  assert.equal(chooseCipher(WITHOUT_AES, WITH_AES), "chacha20-poly1305");
});

test("ends that know different ciphers use what both know", () => {
  assert.equal(chooseCipher(WITHOUT_AES, ["aes-256-gcm"]), "aes-256-gcm");
  assert.equal(chooseCipher(WITH_AES, ["new-cipher"]), undefined);
});
