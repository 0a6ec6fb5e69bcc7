import { writeSync } from "node:fs";
import type { Config } from "@edgebos/service/config";
import { prettyLine } from "@edgebos/service/pretty-line";

/** Log lines of the supervisor, of the same shape as those of the services. */
export interface SupervisorLog {
  info(text: string, fields?: object): void;
  warn(text: string, fields?: object): void;
  error(text: string, fields?: object): void;
}

export function createSupervisorLog(format: Config["log"]["format"]): SupervisorLog {
  const write = (level: string, text: string, fields: object = {}) => {
    const line = `${JSON.stringify({ level, time: new Date().toISOString(), service: "start", ...fields, msg: text })}\n`;
    try {
      writeSync(1, format === "json" ? line : prettyLine(line));
    } catch {
      // Nobody reads any more; the supervisor goes on.
    }
  };
  return {
    info: (text, fields) => write("info", text, fields),
    warn: (text, fields) => write("warn", text, fields),
    error: (text, fields) => write("error", text, fields),
  };
}
