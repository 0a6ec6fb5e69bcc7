import type { Invocation } from "../command.ts";
import { EXIT } from "../errors.ts";
import { endProcesses, STOP_LIMIT_MS, STOP_ORDER } from "../instance/end-processes.ts";
import { locateStateDir, notRunning } from "../instance/locate.ts";
import { goneWithin, isAlive, signal } from "../instance/process-identity.ts";
import { leftovers, readRecord, removeRunFiles } from "../instance/record.ts";

/** The supervisor gives each of its processes a limit of its own; this is for all of them and itself. */
const SUPERVISOR_LIMIT_MS = (STOP_ORDER.length + 1) * STOP_LIMIT_MS;

/** Stops the instance. What a supervisor that was killed left behind is ended as well. */
export async function stop({ role, options, json }: Invocation): Promise<number> {
  const stateDir = await locateStateDir(role, options);
  const record = readRecord(stateDir);
  if (record === undefined) throw notRunning(role, stateDir);
  const wasRunning = isAlive(record);
  const forced: string[] = [];
  if (wasRunning) {
    signal(record, "SIGTERM");
    if (!(await goneWithin(record, SUPERVISOR_LIMIT_MS))) {
      signal(record, "SIGKILL");
      forced.push("supervisor");
      await goneWithin(record, STOP_LIMIT_MS);
    }
  }
  const left = leftovers(readRecord(stateDir) ?? record);
  forced.push(...(await endProcesses(left, () => {})));
  removeRunFiles(stateDir);
  report(role, json, { stopped: true, wasRunning, leftovers: left.map(({ name }) => name), forced });
  return EXIT.ok;
}

interface StopReport {
  readonly stopped: true;
  readonly wasRunning: boolean;
  readonly leftovers: readonly string[];
  readonly forced: readonly string[];
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
  if (outcome.forced.length > 0) process.stdout.write(`Had to be killed: ${outcome.forced.join(", ")}.\n`);
}
