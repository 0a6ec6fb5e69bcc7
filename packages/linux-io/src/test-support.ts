/** What tests of this package share. */

import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";

/** Why a test that needs a TUN device can't run here, or false: the value for node:test's `skip`. */
export function reasonWithoutTun(): string | false {
  if (reasonWithoutRoot() !== false) return "needs root";
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
  } catch {
    return "needs /dev/net/tun";
  }
  return false;
}

/** Why a test that changes interfaces can't run here, or false. */
export function reasonWithoutRoot(): string | false {
  return process.getuid?.() === 0 ? false : "needs root";
}

/** Runs ip(8). */
export function ip(command: string): void {
  execFileSync("ip", command.split(" "), { stdio: ["ignore", "ignore", "pipe"] });
}
