import { type DestinationStream, destination, type Logger as PinoLogger, pino } from "pino";
import type { Config } from "./config/types.ts";
import { prettyLine } from "./pretty-line.ts";

export type Logger = PinoLogger;

/** A logger to standard output. A reader that goes away (a closed terminal, a supervisor that was killed) never harms the service. */
export function createLogger(name: string, log: Config["log"]): Logger {
  const stdout = destination({ dest: 1, sync: true });
  (stdout as unknown as NodeJS.EventEmitter).on("error", () => {});
  const sink: DestinationStream =
    log.format === "json" ? stdout : { write: (line) => void stdout.write(prettyLine(line)) };
  return pino(
    {
      level: log.level,
      base: { service: name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
}
