/** Processes of an instance, found by their command line: what `ps` would show an operator. */
import { readdirSync, readFileSync } from "node:fs";
import { SERVICES, type ServiceName } from "@edgebos/service";

export type PartName = ServiceName | "nats-server";
export const PARTS: readonly PartName[] = [...SERVICES, "nats-server"];

/** Process id of each running part of the instance whose state directory this is; `configFile` tells its services apart. */
export function partsOf(instance: { readonly configFile: string; readonly stateDir: string }): Map<PartName, number> {
  const found = new Map<PartName, number>();
  for (const { pid, argv } of processes()) {
    const text = argv.join(" ");
    if (/nats-server$/.test(argv[0] ?? "") && text.includes(instance.stateDir)) found.set("nats-server", pid);
    if (!argv.includes(instance.configFile)) continue;
    const service = SERVICES.find((name) => text.includes(`services/${name}/`));
    if (service) found.set(service, pid);
  }
  return found;
}

/** Every process whose command line names the configuration file or the state directory. */
export function processesNaming(...paths: readonly string[]): number[] {
  return processes()
    .filter(({ argv }) => argv.some((argument) => paths.some((path) => argument.includes(path))))
    .map(({ pid }) => pid);
}

/** Resident memory as the kernel counts it (VmRSS), MiB. */
export function rssMiB(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? Number.NaN) / 1024;
}

function processes(): { pid: number; argv: string[] }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), argv: commandLine(name) }))
    .filter(({ pid, argv }) => argv.length > 0 && pid !== process.pid);
}

/** Empty for a process that ended meanwhile, a zombie or a kernel thread. */
function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  } catch {
    return [];
  }
}
