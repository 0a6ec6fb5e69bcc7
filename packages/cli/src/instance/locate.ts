import { resolve } from "node:path";
import type { Role } from "@edgebos/service/config";
import { CommandError, EXIT } from "../errors.ts";
import { isAlive } from "./process-identity.ts";
import { type InstanceRecord, readRecord } from "./record.ts";

/** How the user says which instance a command is for. */
export interface InstanceOptions {
  readonly config?: string | undefined;
  readonly "state-dir"?: string | undefined;
}

/** The state directory that `--state-dir`, the file of `--config`, or else the role's default names. */
export async function locateStateDir(role: Role, options: InstanceOptions): Promise<string> {
  if (options["state-dir"] !== undefined) return resolve(options["state-dir"]);
  const { defaultStateDir, loadConfig } = await import("@edgebos/service/config");
  return options.config === undefined ? defaultStateDir(role) : loadConfig(options.config).state_dir;
}

/** The record of the instance, which must be running. */
export async function locateRunning(role: Role, options: InstanceOptions): Promise<InstanceRecord> {
  const stateDir = await locateStateDir(role, options);
  const record = readRecord(stateDir);
  if (record === undefined || !isAlive(record)) throw notRunning(role, stateDir);
  return record;
}

export function notRunning(role: Role, stateDir: string): CommandError {
  return new CommandError(
    "not-running",
    `edgebos-${role} is not running with the state directory ${stateDir}: start it with "edgebos-${role} start --config FILE", or name another instance with --config or --state-dir`,
    EXIT.notRunning,
  );
}
