import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { management } from "@edgebos/proto";
import { type Config, ConfigError, configRevision, configYaml, parseConfig } from "@edgebos/service";
import { ManagementError } from "../management/errors.ts";
import { changedKeys, needingRestart } from "./changed-keys.ts";
import { mergePatch } from "./merge-patch.ts";
import { replaceFile } from "./replace-file.ts";

/** Told of each new configuration that is in force, with what changed. */
export interface ConfigurationChange {
  readonly configuration: management.Configuration;
  readonly changedKeys: readonly string[];
  readonly restartRequired: readonly string[];
}

interface Version {
  readonly text: string;
  readonly config: Config;
  readonly revision: string;
}

/**
 * The configuration file and its one writer. Changes come as patches through `update`, or by an editor and then `reload`; either way only
 * a valid configuration becomes the present one. Updates wait for each other.
 */
export class ConfigurationFile {
  readonly #file: string;
  readonly #onChange: (change: ConfigurationChange) => void;
  #present: Version;
  #queue: Promise<unknown> = Promise.resolve();

  /** Reads the file. Throws ConfigError if it is not valid. */
  constructor(file: string, onChange: (change: ConfigurationChange) => void) {
    this.#file = file;
    this.#onChange = onChange;
    this.#present = version(readFileSync(file, "utf8"), file);
  }

  /** The effective configuration, every default filled in. Secrets are not in it: it names their files. */
  read(): management.Configuration {
    return document(this.#present);
  }

  update(request: management.UpdateConfigurationRequest): Promise<management.UpdateConfigurationResponse> {
    return this.#inTurn(() => this.#update(request));
  }

  /** Takes up what stands in the file. Rejects with ConfigError, and keeps what it has, if that is not valid. */
  reload(): Promise<void> {
    return this.#inTurn(async () => this.#adopt(version(await readFile(this.#file, "utf8"), this.#file)));
  }

  async #update({
    patch,
    revision,
    dryRun,
  }: management.UpdateConfigurationRequest): Promise<management.UpdateConfigurationResponse> {
    const onDisk = await this.#onDisk();
    this.#adopt(onDisk);
    if (revision !== "" && revision !== onDisk.revision) {
      const text = `the configuration is at revision ${onDisk.revision}, not ${revision}: read it again and repeat the change`;
      throw new ManagementError("revision-stale", text);
    }
    const next = this.#patched(onDisk, patch);
    const restartRequired = needingRestart(changedKeys(onDisk.config, next.config));
    if (!dryRun) {
      await this.#write(next.text);
      this.#adopt(next);
    }
    return { configuration: document(next), restartRequired };
  }

  async #onDisk(): Promise<Version> {
    try {
      return version(await readFile(this.#file, "utf8"), this.#file);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const text = `${this.#file} cannot be changed while it is not valid itself; mend it first: ${reason}`;
      throw new ManagementError("configuration-file-invalid", text, cause);
    }
  }

  #patched(onDisk: Version, patch: string): Version {
    try {
      return version(mergePatch(onDisk.text, patch), this.#file);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const problems = error.problems.map(({ key, text }) => (key === "" ? text : `${key}: ${text}`));
      throw new ManagementError("configuration-invalid", problems.join("\n"), error);
    }
  }

  async #write(text: string): Promise<void> {
    try {
      await replaceFile(this.#file, text);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
      const hint =
        code === "EBUSY"
          ? "in a container, mount the directory of the file rather than the file alone"
          : "see that its directory exists and is writable";
      throw new ManagementError(
        "configuration-unwritable",
        `${this.#file} cannot be written (${code}): ${hint}`,
        cause,
      );
    }
  }

  #adopt(next: Version): void {
    const keys = changedKeys(this.#present.config, next.config);
    this.#present = next;
    if (keys.length === 0) return;
    this.#onChange({ configuration: document(next), changedKeys: keys, restartRequired: needingRestart(keys) });
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(action);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}

function version(text: string, file: string): Version {
  return { text, config: parseConfig(text, file), revision: configRevision(text) };
}

function document({ config, revision }: Version): management.Configuration {
  return { yaml: configYaml(config), revision };
}
