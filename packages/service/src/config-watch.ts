import { BUCKETS, CURRENT, internal } from "@edgebos/proto";
import type { Bus } from "./bus/types.ts";
import type { Config } from "./config/types.ts";
import type { Logger } from "./log.ts";

/** What a service started with. */
export interface StartConfig {
  readonly config: Config;
  readonly file: string;
  /** Of the file's text. */
  readonly revision: string;
}

/**
 * Follows the configuration that `api` publishes. Returns the function that adds a listener; listeners hear each
 * configuration that differs from the one before it, and never one that is not valid. The validator is loaded when the first
 * one arrives that is not what the service started with.
 */
export function watchConfiguration(bus: Bus, initial: StartConfig, log: Logger) {
  const { file } = initial;
  const listeners: ((config: Config) => void)[] = [];
  let present = JSON.stringify(initial.config);
  let presentRevision = initial.revision;
  let heard = Promise.resolve();
  const take = async (document: internal.ConfigurationDocument) => {
    if (document.revision === presentRevision) return;
    const config = await parsed(document, file, log);
    presentRevision = document.revision;
    if (config === undefined || JSON.stringify(config) === present) return;
    present = JSON.stringify(config);
    log.info({ revision: document.revision }, "configuration changed");
    for (const listener of listeners) listener(config);
  };
  bus.watch(BUCKETS.configuration, internal.ConfigurationDocument, (key, document) => {
    if (key !== CURRENT || document === undefined) return;
    heard = heard
      .then(() => take(document))
      .catch((error) => log.error({ err: error }, "a change of the configuration failed"));
  });
  return (listener: (config: Config) => void): void => {
    listeners.push(listener);
  };
}

async function parsed(
  document: internal.ConfigurationDocument,
  file: string,
  log: Logger,
): Promise<Config | undefined> {
  const { parseConfig } = await import("./config/parse.ts");
  try {
    return parseConfig(document.yaml, file);
  } catch (error) {
    log.warn({ err: error, revision: document.revision }, "a published configuration is not valid and is left aside");
    return undefined;
  }
}
