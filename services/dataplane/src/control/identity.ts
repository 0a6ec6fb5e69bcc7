import { readFileSync } from "node:fs";
import { StartError } from "@edgebos/service";

/** A PEM file that the configuration names under `key`. Throws StartError, which says which key leads to it. */
export function readIdentityFile(key: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such file" : String(cause);
    throw new StartError("identity-unreadable", `cannot read ${file} (${key}): ${why}`, cause);
  }
}
