import assert from "node:assert/strict";
import { test } from "node:test";
import { bindCrypto, loadCrypto } from "./crypto-library.ts";

test("Node's own OpenSSL has all that is needed", () => {
  assert.notEqual(bindCrypto(null).EVP_aes_256_gcm(), 0);
  assert.notEqual(loadCrypto().EVP_chacha20_poly1305(), 0);
});

test("the system's OpenSSL 3 serves as well", { skip: reasonWithoutLibcrypto() }, () => {
  const crypto = bindCrypto("libcrypto.so.3");
  const context = crypto.EVP_CIPHER_CTX_new();
  assert.notEqual(context, 0);
  assert.equal(crypto.EVP_EncryptInit_ex2(context, crypto.EVP_aes_256_gcm(), 0, 0, 0), 1);
  crypto.EVP_CIPHER_CTX_free(context);
});

test("a library without these functions is refused", () => {
  assert.throws(() => bindCrypto("libc.so.6"));
});

function reasonWithoutLibcrypto(): string | false {
  try {
    bindCrypto("libcrypto.so.3");
    return false;
  } catch {
    return "needs libcrypto.so.3";
  }
}
