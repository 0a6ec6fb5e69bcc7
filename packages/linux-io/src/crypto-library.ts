/** OpenSSL 3: the one in the Node process, else the system's. Names and argument order are those of its manual pages. */

import koffi from "koffi";

export interface CryptoLibrary {
  EVP_aes_256_gcm(): number;
  EVP_chacha20_poly1305(): number;
  EVP_CIPHER_CTX_new(): number;
  EVP_CIPHER_CTX_free(ctx: number): void;
  EVP_CIPHER_CTX_get_params(ctx: number, params: number): number;
  EVP_EncryptInit_ex2(ctx: number, cipher: number, key: number, iv: number, params: number): number;
  EVP_EncryptUpdate(ctx: number, out: number, outl: number, input: number, inl: number): number;
  EVP_EncryptFinal_ex(ctx: number, out: number, outl: number): number;
  EVP_DecryptInit_ex2(ctx: number, cipher: number, key: number, iv: number, params: number): number;
  EVP_DecryptUpdate(ctx: number, out: number, outl: number, input: number, inl: number): number;
  EVP_DecryptFinal_ex(ctx: number, out: number, outl: number): number;
}

/** Neither Node nor the system has OpenSSL 3. */
export class CryptoLibraryError extends Error {
  override readonly name = "CryptoLibraryError";
  readonly code = "NO_OPENSSL";
}

/** @throws CryptoLibraryError */
export function loadCrypto(): CryptoLibrary {
  const causes: unknown[] = [];
  for (const path of [null, "libcrypto.so.3"]) {
    try {
      return bindCrypto(path);
    } catch (error) {
      causes.push(error);
    }
  }
  throw new CryptoLibraryError(
    "OpenSSL 3 was found neither in Node nor on the system: use the official Node 24 binary, or install libssl3.",
    { cause: new AggregateError(causes) },
  );
}

/** Binds the functions of one library; null is the process itself. Throws where one is missing. */
export function bindCrypto(path: string | null): CryptoLibrary {
  // RTLD_DEEPBIND: the library must not call functions of the same name in the process.
  const library = path === null ? koffi.load(null) : koffi.load(path, { deep: true });
  const init = [P, P, P, P, P];
  const update = [P, P, P, P, "int"];
  const final = [P, P, P];
  return {
    EVP_aes_256_gcm: library.func("EVP_aes_256_gcm", P, []),
    EVP_chacha20_poly1305: library.func("EVP_chacha20_poly1305", P, []),
    EVP_CIPHER_CTX_new: library.func("EVP_CIPHER_CTX_new", P, []),
    EVP_CIPHER_CTX_free: library.func("EVP_CIPHER_CTX_free", "void", [P]),
    EVP_CIPHER_CTX_get_params: library.func("EVP_CIPHER_CTX_get_params", "int", [P, P]),
    EVP_EncryptInit_ex2: library.func("EVP_EncryptInit_ex2", "int", init),
    EVP_EncryptUpdate: library.func("EVP_EncryptUpdate", "int", update),
    EVP_EncryptFinal_ex: library.func("EVP_EncryptFinal_ex", "int", final),
    EVP_DecryptInit_ex2: library.func("EVP_DecryptInit_ex2", "int", init),
    EVP_DecryptUpdate: library.func("EVP_DecryptUpdate", "int", update),
    EVP_DecryptFinal_ex: library.func("EVP_DecryptFinal_ex", "int", final),
  };
}

const P = "uintptr_t";
