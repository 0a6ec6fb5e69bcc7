import { subjects, telemetry } from "@edgebos/proto";
import type { Bus } from "./bus/types.ts";
import type { Logger } from "./log.ts";

export type EventSeverity = "info" | "warning" | "error";

/** Says something that a person may want to read: on the bus, and in the log. */
export interface Events {
  /** `code` is stable and in kebab-case; `text` is one sentence. */
  publish(severity: EventSeverity, code: string, text: string, fields?: Record<string, string>): void;
}

const SEVERITIES = {
  info: telemetry.Severity.INFO,
  warning: telemetry.Severity.WARNING,
  error: telemetry.Severity.ERROR,
} as const;
const LOG_LEVELS = { info: "info", warning: "warn", error: "error" } as const;

export function createEvents(node: string, area: string, bus: Bus, log: Logger): Events {
  const subject = subjects(node).event(area);
  return {
    publish(severity, code, text, fields = {}) {
      log[LOG_LEVELS[severity]]({ code, ...fields }, text);
      const event = { timeMs: Date.now(), severity: SEVERITIES[severity], area, code, text, fields };
      bus.publish(subject, telemetry.Event, event);
    },
  };
}
