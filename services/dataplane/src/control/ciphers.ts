/** Which cipher a session uses: AES where the processor has instructions for it, ChaCha20 where it has not. */

import { readFileSync } from "node:fs";
import type { CipherName } from "@edgebos/linux-io";

const CIPHERS: readonly CipherName[] = ["aes-256-gcm", "chacha20-poly1305"];

/** This machine's ciphers, best first. */
export function ownCiphers(cpuInfo = readCpuInfo()): CipherName[] {
  const aes = /^(flags|Features)\s*:.*\baes\b/m.test(cpuInfo);
  return aes ? [...CIPHERS] : [...CIPHERS].reverse();
}

/** The slower end decides: a processor without AES needs ChaCha20, one with AES can do both. Undefined: none in common. */
export function chooseCipher(own: readonly CipherName[], offered: readonly string[]): CipherName | undefined {
  const common = own.filter((cipher) => offered.includes(cipher));
  const chacha = common.find((cipher) => cipher === "chacha20-poly1305");
  return chacha !== undefined && (own[0] === chacha || offered[0] === chacha) ? chacha : common[0];
}

export function asCipher(text: string): CipherName | undefined {
  return CIPHERS.find((cipher) => cipher === text);
}

function readCpuInfo(): string {
  try {
    return readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    return "";
  }
}
