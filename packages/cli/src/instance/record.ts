import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Role } from "@edgebos/service/config";
import { stateFiles } from "@edgebos/service/state-files";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";

/** One process that the supervisor started. */
export interface ProcessRecord extends ProcessIdentity {
  readonly name: string;
  readonly startedMs: number;
  readonly restarts: number;
}

/** What a running instance says of itself in `<state_dir>/run/supervisor.json`. */
export interface InstanceRecord extends ProcessIdentity {
  readonly role: Role;
  readonly node: string;
  readonly version: string;
  readonly configFile: string;
  /** `host:port` of the REST API. */
  readonly http: string;
  readonly startedMs: number;
  /** When all services answered for the first time; 0 = not yet. */
  readonly readyMs: number;
  readonly processes: readonly ProcessRecord[];
}

/** Undefined if nothing was recorded. A damaged record counts as none. */
export function readRecord(stateDir: string): InstanceRecord | undefined {
  try {
    return JSON.parse(readFileSync(stateFiles(stateDir).supervisor, "utf8")) as InstanceRecord;
  } catch {
    return undefined;
  }
}

export function writeRecord(stateDir: string, record: InstanceRecord): void {
  const { runDir, supervisor } = stateFiles(stateDir);
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const temporary = `${supervisor}.${process.pid}`;
  writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, supervisor);
}

/** Removes everything that belongs to a run and not to the instance. */
export function removeRunFiles(stateDir: string): void {
  rmSync(stateFiles(stateDir).runDir, { recursive: true, force: true });
}

/** The supervisor is gone but processes that it started are still there. */
export function leftovers(record: InstanceRecord | undefined): readonly ProcessRecord[] {
  if (record === undefined || isAlive(record)) return [];
  return record.processes.filter(isAlive);
}
