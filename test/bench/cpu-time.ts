import { readFileSync } from "node:fs";
import type { Instance } from "../lab/product.ts";
import { processesIn } from "../lab/state.ts";

/** USER_HZ, in which /proc counts processor time on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Programs of the lab itself run in the product's namespaces too. */
const LAB_PROGRAM = /\/test\/lab\//;

/** Seconds of processor time, user and system, that one end has used since it started. */
export interface CpuSeconds {
  readonly dataplane: number;
  /** Supervisor, nats-server and the four services. */
  readonly all: number;
}

/** Processes of one end, found once: what starts later in its namespace is not counted. */
export async function cpuMeter(instance: Instance): Promise<() => CpuSeconds> {
  const { services } = await instance.status();
  const dataplane = services.find(({ name }) => name === "dataplane")?.pid;
  const pids = (await processesIn(instance.namespace)).filter((pid) => !LAB_PROGRAM.test(commandOf(pid)));
  if (dataplane === undefined || !pids.includes(dataplane)) throw new Error(`no dataplane in ${instance.namespace}`);
  return () => ({ dataplane: secondsOf(dataplane), all: pids.reduce((sum, pid) => sum + secondsOf(pid), 0) });
}

/** proc(5): utime and stime are fields 14 and 15; the command in field 2 may hold blanks. */
function secondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8");
}
