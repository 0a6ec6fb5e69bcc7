import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, statSync, truncateSync } from "node:fs";
import { stateFiles } from "@edgebos/service/state-files";

/** Size at which the log of a detached instance is put aside, bytes. One older file is kept. */
const LIMIT_BYTES = 16 * 1024 * 1024;
const CHECK_MS = 60_000;

/** Opens the log of a detached instance for appending and returns its descriptor; call `closeLog` when it has been passed on. */
export function openLog(stateDir: string): number {
  const { log, logDir } = stateFiles(stateDir);
  mkdirSync(logDir, { recursive: true, mode: 0o700 });
  return openSync(log, "a", 0o600);
}

export function closeLog(descriptor: number): void {
  closeSync(descriptor);
}

/** Keeps the log bounded. All writers append, so it can be emptied below them. */
export function boundLog(stateDir: string): NodeJS.Timeout {
  const { log } = stateFiles(stateDir);
  return setInterval(() => {
    if (!existsSync(log) || statSync(log).size < LIMIT_BYTES) return;
    copyFileSync(log, `${log}.1`);
    truncateSync(log);
  }, CHECK_MS).unref();
}
