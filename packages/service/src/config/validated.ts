import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { deepFreeze } from "./deep-freeze.ts";
import { configRevision } from "./revision.ts";
import type { Config } from "./types.ts";

/**
 * A configuration that the supervisor has validated, with what it was made from. Services that find it current are spared
 * the validator, which is a tenth of a quiet service's memory.
 */
interface Validated {
  readonly source: string;
  readonly revision: string;
  readonly config: Config;
}

/** Name of the environment variable that tells a service where the file is. */
export const VALIDATED_CONFIG_VARIABLE = "EDGEBOS_VALIDATED_CONFIG";

/** Writes the result of validating `text`, which is what `source` holds. */
export function writeValidated(file: string, source: string, text: string, config: Config): void {
  const content: Validated = { source, revision: configRevision(text), config };
  writeFileSync(`${file}.tmp`, JSON.stringify(content), { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}

/** The configuration, if `file` was made from what `source` holds at this moment. */
export function readValidated(file: string, source: string): Config | undefined {
  try {
    const validated = JSON.parse(readFileSync(file, "utf8")) as Validated;
    const isCurrent =
      validated.source === source && validated.revision === configRevision(readFileSync(source, "utf8"));
    return isCurrent ? deepFreeze(validated.config) : undefined;
  } catch {
    return undefined;
  }
}
