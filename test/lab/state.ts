/** What a lab leaves in the file system, so that it can be removed after a crash of whoever built it. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./process.ts";

const ROOT = "/run/edgebos-lab";
const GRACE_MS = 2000;
/** Namespaces are `<prefix>-c`, devices inside have names of their own; 8 leaves room within IFNAMSIZ. */
const PREFIX = /^[a-z][a-z0-9]{0,7}$/;

export interface LabState {
  readonly prefix: string;
  readonly namespaces: readonly string[];
  /** Who builds and uses the lab. */
  readonly owner?: ProcessIdentity;
  /** Processes of the lab that are in none of its namespaces. */
  readonly outside?: readonly ProcessIdentity[];
}

interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot, field 22 of /proc/pid/stat: tells a process from a later one with its number. */
  readonly startTicks: number;
}

/** The directory of a lab: state file, sockets, logs, keys. */
export function labDirectory(prefix: string): string {
  if (!PREFIX.test(prefix)) throw new Error(`lab prefix "${prefix}": a letter, then at most 7 letters or digits`);
  return join(ROOT, prefix);
}

export function saveState(state: LabState): void {
  const directory = labDirectory(state.prefix);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, "state.json"), JSON.stringify(state));
}

export function loadState(prefix: string): LabState | undefined {
  try {
    return JSON.parse(readFileSync(join(labDirectory(prefix), "state.json"), "utf8")) as LabState;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** A process outside the lab's namespaces ends with the lab from here on. */
export function adoptProcess(prefix: string, pid: number): void {
  const state = loadState(prefix);
  const startTicks = startTicksOf(pid);
  if (!state || startTicks === undefined) throw new Error(`no lab "${prefix}" or no process ${pid} to adopt`);
  saveState({ ...state, outside: [...(state.outside ?? []), { pid, startTicks }] });
}

/** Takes the name for this process. Refuses while another process that still runs uses a lab of that name. */
export function claimLab(prefix: string, namespaces: readonly string[]): void {
  refuseForeign(prefix);
  saveState({ prefix, namespaces, owner: { pid: process.pid, startTicks: startTicksOf(process.pid)! } });
}

/** @throws Error if the lab belongs to another process that still runs. */
export function refuseForeign(prefix: string): void {
  const owner = loadState(prefix)?.owner;
  if (!owner || owner.pid === process.pid || !isAlive(owner)) return;
  throw new Error(`a lab "${prefix}" is in use by process ${owner.pid}: wait for it to end, or stop it`);
}

function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  return startTicksOf(pid) === startTicks;
}

function startTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  } catch {
    return undefined;
  }
}

export function knownPrefixes(): string[] {
  try {
    return readdirSync(ROOT).filter((name) => PREFIX.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Ends every process of the lab, then removes namespaces and directory. Nothing to remove is no error. */
export async function removeLab(prefix: string): Promise<void> {
  const state = loadState(prefix);
  if (!state) return;
  const existing = new Set((await run(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ")[0]));
  const namespaces = state.namespaces.filter((name) => existing.has(name));
  await endProcesses(namespaces, state.outside ?? []);
  for (const name of namespaces) await run(["ip", "netns", "delete", name]);
  rmSync(labDirectory(prefix), { recursive: true, force: true });
}

async function endProcesses(namespaces: readonly string[], outside: readonly ProcessIdentity[]): Promise<void> {
  const deadline = Date.now() + GRACE_MS;
  const asked = new Set<number>();
  for (;;) {
    const inside = (await Promise.all(namespaces.map(processesIn))).flat();
    const others = outside.filter(isAlive).map(({ pid }) => pid);
    const pids = [...inside, ...others];
    if (pids.length === 0) return;
    const patienceEnded = Date.now() > deadline;
    for (const pid of pids) {
      if (patienceEnded) kill(pid, "SIGKILL");
      else if (!asked.has(pid)) kill(pid, "SIGTERM");
      asked.add(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Processes whose network namespace this is. */
export async function processesIn(namespace: string): Promise<number[]> {
  const out = await run(["ip", "netns", "pids", namespace]);
  return out.split("\n").filter(Boolean).map(Number);
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
