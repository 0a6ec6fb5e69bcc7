import { unwatchFile, watchFile } from "node:fs";
import { BUCKETS, CURRENT, internal } from "@edgebos/proto";
import { type Bus, ConfigError, type Events } from "@edgebos/service";
import { type ConfigurationChange, ConfigurationFile } from "./configuration-file.ts";

/** How often the file is looked at, milliseconds. */
const LOOK_EVERY_MS = 1000;

/**
 * Opens the configuration file and keeps the bus in step with it: publishes its configuration, follows edits on disk and says what
 * became of them. `stop` ends the following.
 */
export function publishConfiguration(
  file: string,
  bus: Bus,
  events: Events,
): { readonly configuration: ConfigurationFile; stop(): void } {
  const publish = ({ yaml, revision }: { yaml: string; revision: string }) =>
    bus.put(BUCKETS.configuration, CURRENT, internal.ConfigurationDocument, { yaml, revision });
  const configuration = new ConfigurationFile(file, (change) => {
    publish(change.configuration);
    events.publish("info", "configuration-changed", sentence(change), { revision: change.configuration.revision });
  });
  publish(configuration.read());
  const look = async () => {
    try {
      await configuration.reload();
    } catch (error) {
      const reason = error instanceof ConfigError ? error.message : `${file} cannot be read: ${String(error)}`;
      const text = `The configuration file was changed and is not valid; the last valid one stays in force. ${reason}`;
      events.publish("warning", "configuration-file-invalid", text);
    }
  };
  const listener = () => void look();
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, listener);
  return { configuration, stop: () => unwatchFile(file, listener) };
}

function sentence({ changedKeys, restartRequired }: ConfigurationChange): string {
  const restart =
    restartRequired.length === 0 ? "" : ` Only a restart brings into force: ${restartRequired.join(", ")}.`;
  return `The configuration was changed: ${changedKeys.join(", ")}.${restart}`;
}
