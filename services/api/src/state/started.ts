import { readFileSync } from "node:fs";
import { type Config, stateFiles } from "@edgebos/service";

/** When the node was started, Unix milliseconds: by its supervisor if there is one, else this process. */
export function nodeStartedMs(config: Config): number {
  try {
    const { startedMs } = JSON.parse(readFileSync(stateFiles(config.state_dir).supervisor, "utf8")) as {
      startedMs?: unknown;
    };
    if (typeof startedMs === "number") return startedMs;
  } catch {
    // Services that run without the supervisor, as in containers, have no such file.
  }
  return Math.round(Date.now() - process.uptime() * 1000);
}
