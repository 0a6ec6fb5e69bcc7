import { spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { Config, Role } from "@edgebos/service/config";
import { stateFiles } from "@edgebos/service/state-files";
import { CommandError } from "../errors.ts";
import { readRecord } from "../instance/record.ts";
import { supervisorMain } from "./build.ts";
import { closeLog, openLog } from "./log-file.ts";

/** How long a start in the background may take, milliseconds. */
const LIMIT_MS = 40_000;
const POLL_MS = 100;
const SHOWN_LINES = 15;

/** Starts `start` once more in the background, with its output in the log file, and waits until all services answer. */
export async function startDetached(role: Role, config: Config, configFile: string): Promise<number> {
  const { log } = stateFiles(config.state_dir);
  const descriptor = openLog(config.state_dir);
  const logStart = statSync(log).size;
  const args = [...process.execArgv, supervisorMain(), role, "start", "--config", configFile, "--log-to-file"];
  const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", descriptor, descriptor] });
  closeLog(descriptor);
  let ended: string | undefined;
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended = signal ?? `exit code ${code}`;
  });
  const deadline = performance.now() + LIMIT_MS;
  while (ended === undefined && performance.now() < deadline) {
    const record = readRecord(config.state_dir);
    if (record?.pid === child.pid && record !== undefined && record.readyMs > 0) {
      child.unref();
      return record.pid;
    }
    await delay(POLL_MS);
  }
  const tail = readFileSync(log).subarray(logStart).toString().trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
  const what = ended === undefined ? "is not ready yet, and is still trying" : `did not start (${ended})`;
  child.unref();
  throw new CommandError("start-failed", `edgebos-${role} ${what}. Last lines of ${log}:\n${tail}`);
}
