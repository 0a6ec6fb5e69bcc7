import type { Invocation } from "../command.ts";
import { EXIT } from "../errors.ts";
import { endProcesses, STOP_LIMIT_MS } from "../instance/end-processes.ts";
import { locateStateDir, notRunning } from "../instance/locate.ts";
import { goneWithin, isAlive, signal } from "../instance/process-identity.ts";
import { type InstanceRecord, leftovers, readRecord, removeRunFiles } from "../instance/record.ts";

/** The supervisor gives each of its processes a limit of its own, and may have to clean up; this is for all of it together. */
const SUPERVISOR_LIMIT_MS = 60_000;

/** Stops the instance. What a supervisor that was killed left behind is ended, and undone, as well. */
export async function stop({ role, options, json }: Invocation): Promise<number> {
  const stateDir = await locateStateDir(role, options);
  const record = readRecord(stateDir);
  if (record === undefined) throw notRunning(role, stateDir);
  const wasRunning = isAlive(record);
  const stoppedItself = wasRunning && (await stopSupervisor(record));
  const outcome = stoppedItself ? NOTHING_LEFT : await stopLeftovers(stateDir, record);
  removeRunFiles(stateDir);
  report(role, json, { stopped: true, wasRunning, ...outcome });
  return EXIT.ok;
}

const NOTHING_LEFT = { leftovers: [], forced: [], tidied: [] } as const;

/** Returns whether the supervisor ended by itself, and hence everything with it. */
async function stopSupervisor(record: InstanceRecord): Promise<boolean> {
  signal(record, "SIGTERM");
  if (await goneWithin(record, SUPERVISOR_LIMIT_MS)) return true;
  signal(record, "SIGKILL");
  await goneWithin(record, STOP_LIMIT_MS);
  return false;
}

/** Ends what runs without a supervisor, and undoes what those left that were killed. */
async function stopLeftovers(
  stateDir: string,
  record: InstanceRecord,
): Promise<Omit<StopReport, "stopped" | "wasRunning">> {
  const left = leftovers(readRecord(stateDir) ?? record);
  const forced = await endProcesses(left, () => {});
  const names = left.map(({ name }) => name);
  const ended = names.filter((name) => !forced.includes(name));
  const tidied = await tidyAfter(record, ended);
  return { leftovers: names, forced, tidied };
}

/** Without a valid configuration there is nothing to start the services with; the user is told. */
async function tidyAfter(record: InstanceRecord, ended: readonly string[]): Promise<readonly string[]> {
  const { loadConfig } = await import("@edgebos/service/config");
  const { tidyUp } = await import("../supervisor/tidy.ts");
  try {
    const config = loadConfig(record.configFile);
    const tidied = await tidyUp(config, record.configFile, ended, SILENT);
    const { releaseTunnelInterface } = await import("../supervisor/tunnel-interface.ts");
    releaseTunnelInterface(config.state_dir);
    return tidied;
  } catch (error) {
    process.stderr.write(
      `could not clean up the network after services that were killed: ${(error as Error).message}\n`,
    );
    return [];
  }
}

const SILENT = { info() {}, warn() {}, error() {} };

interface StopReport {
  readonly stopped: true;
  readonly wasRunning: boolean;
  readonly leftovers: readonly string[];
  readonly forced: readonly string[];
  /** Services that had been killed, and whose traces in the network were removed. */
  readonly tidied: readonly string[];
}

function report(role: string, json: boolean, outcome: StopReport): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
    return;
  }
  if (outcome.wasRunning) process.stdout.write(`edgebos-${role} stopped.\n`);
  else
    process.stdout.write(
      `edgebos-${role} did not run any more; ended what was left: ${outcome.leftovers.join(", ") || "nothing"}.\n`,
    );
  if (outcome.tidied.length > 0) process.stdout.write(`Cleaned up after: ${outcome.tidied.join(", ")}.\n`);
  if (outcome.forced.length > 0) process.stdout.write(`Had to be killed: ${outcome.forced.join(", ")}.\n`);
}
