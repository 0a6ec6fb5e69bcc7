import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs of the machine that every lab needs. */
const LAB_PROGRAMS = ["ip"];
const DEVICE = "/dev/net/tun";

/**
 * Why a lab cannot be built here, as one sentence for a skipped test or an operator; undefined if it can.
 * `programs` are what the scenario needs beyond the lab itself.
 */
export function missingForLab(programs: readonly string[] = []): string | undefined {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root (network namespaces and TUN devices)";
  if (!isAccessible(DEVICE, constants.R_OK | constants.W_OK)) return `needs ${DEVICE} (modprobe tun)`;
  const missing = [...LAB_PROGRAMS, ...programs].filter((program) => !isInstalled(program));
  return missing.length > 0 ? `needs ${missing.join(", ")} on the PATH` : undefined;
}

export function isInstalled(program: string): boolean {
  const directories = (process.env.PATH ?? "").split(delimiter);
  return directories.some((directory) => isAccessible(join(directory, program), constants.X_OK));
}

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
