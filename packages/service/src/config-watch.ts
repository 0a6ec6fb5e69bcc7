import { BUCKETS, CURRENT, internal } from "@edgebos/proto";
import type { Bus } from "./bus/types.ts";
import { type Config, configYaml, parseConfig } from "./config/index.ts";
import type { Logger } from "./log.ts";

/**
 * Follows the configuration that `api` publishes. Returns the function that adds a listener; listeners hear each
 * configuration that differs from the one before it, and never one that is not valid.
 */
export function watchConfiguration(bus: Bus, initial: Config, file: string, log: Logger) {
  const listeners: ((config: Config) => void)[] = [];
  let present = configYaml(initial);
  bus.watch(BUCKETS.configuration, internal.ConfigurationDocument, (key, document) => {
    if (key !== CURRENT || document === undefined) return;
    const config = parsed(document, file, log);
    if (config === undefined || configYaml(config) === present) return;
    present = configYaml(config);
    log.info({ revision: document.revision }, "configuration changed");
    for (const listener of listeners) listener(config);
  });
  return (listener: (config: Config) => void): void => {
    listeners.push(listener);
  };
}

function parsed(document: internal.ConfigurationDocument, file: string, log: Logger): Config | undefined {
  try {
    return parseConfig(document.yaml, file);
  } catch (error) {
    log.warn({ err: error, revision: document.revision }, "a published configuration is not valid and is left aside");
    return undefined;
  }
}
