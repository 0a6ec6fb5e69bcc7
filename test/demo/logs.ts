import { readFileSync } from "node:fs";
import { join } from "node:path";
import { labDirectory } from "../lab/state.ts";

const SHOWN_LINES = 12;

/** The ends of the product's logs in a lab, for someone who wants to know what went wrong. */
export function lastLogLines(prefix: string): string {
  const directory = labDirectory(prefix);
  const logs = { server: join(directory, "server"), client: join(directory, `${prefix}-c`, "state") };
  return Object.entries(logs)
    .map(([role, stateDir]) => `\n  Last lines of the ${role}'s log:\n${tail(join(stateDir, "logs", "edgebos.log"))}`)
    .join("\n");
}

function tail(path: string): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
  } catch {
    return "  (there is none)";
  }
}
