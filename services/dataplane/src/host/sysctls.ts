/**
 * Kernel settings under /proc/sys/net that forwarding needs. What is changed is written down first, so that a clean stop puts it
 * back even when the service that changed it was killed.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readJson, removeFile, writeFileAtomically } from "../state.ts";

export interface SysctlChange {
  /** Below /proc/sys/net, e.g. "ipv4/ip_forward". */
  readonly key: string;
  readonly value: string;
}

/** `failures` are for the operator: the service goes on, because the setting may be managed elsewhere (containers). */
export interface SysctlResult {
  readonly failures: readonly { readonly key: string; readonly text: string }[];
}

/** Settings that were changed, with what they were before and what they were set to. */
type Record_ = Record<string, { before: string; set: string }>;

export class Sysctls {
  readonly #file: string;
  readonly #root: string;
  readonly #changed: Record_;

  constructor(file: string, root = "/proc/sys/net") {
    this.#file = file;
    this.#root = root;
    this.#changed = (readJson(file) as Record_ | undefined) ?? {};
  }

  /** In order. A setting that has its value already is left alone and will not be put back. */
  apply(changes: readonly SysctlChange[]): SysctlResult {
    const failures: { key: string; text: string }[] = [];
    for (const { key, value } of changes) {
      const present = this.read(key);
      if (present === value) continue;
      try {
        if (present === undefined) throw new Error("no such setting");
        this.#remember(key, present, value);
        writeFileSync(join(this.#root, key), value);
      } catch (error) {
        failures.push({ key, text: refusal(key, value, error) });
      }
    }
    return { failures };
  }

  /** Puts back, newest first, what still has the value that was set here. */
  restore(): void {
    for (const [key, { before, set }] of Object.entries(this.#changed).reverse()) {
      try {
        if (this.read(key) === set) writeFileSync(join(this.#root, key), before);
      } catch {
        // The interface is gone, and its settings with it.
      }
      delete this.#changed[key];
    }
    removeFile(this.#file);
  }

  read(key: string): string | undefined {
    try {
      return readFileSync(join(this.#root, key), "utf8").trim();
    } catch {
      return undefined;
    }
  }

  /** Interfaces that have settings of this family, without `all` and `default`. */
  interfaces(family: "ipv4" | "ipv6"): string[] {
    const directory = join(this.#root, family, "conf");
    if (!existsSync(directory)) return [];
    return readdirSync(directory).filter((name) => name !== "all" && name !== "default");
  }

  #remember(key: string, before: string, set: string): void {
    this.#changed[key] = { before: this.#changed[key]?.before ?? before, set };
    writeFileAtomically(this.#file, `${JSON.stringify(this.#changed, null, 2)}\n`);
  }
}

/**
 * Forwarding for the families that the kernel has. IPv6 forwarding makes the kernel ignore router advertisements, from which uplinks may have
 * their addresses: where they are accepted, they are accepted "even if forwarding" first.
 */
export function forwardingChanges(sysctls: Sysctls, tunnel: string): SysctlChange[] {
  const uplinks = sysctls.interfaces("ipv6").filter((name) => name !== "lo" && name !== tunnel);
  const listening = uplinks.filter((name) => sysctls.read(`ipv6/conf/${name}/accept_ra`) === "1");
  const v4 = { key: "ipv4/ip_forward", value: "1" };
  if (sysctls.read("ipv6/conf/all/forwarding") === undefined) return [v4];
  return [
    v4,
    ...listening.map((name) => ({ key: `ipv6/conf/${name}/accept_ra`, value: "2" })),
    { key: "ipv6/conf/all/forwarding", value: "1" },
  ];
}

/**
 * Loose reverse-path filtering where it would be strict: answers of the server come in on every link, although the main table
 * knows one way to it. The kernel uses the larger of the interface's value and that of `all`.
 */
export function looseFilterChanges(sysctls: Sysctls, devices: readonly string[]): SysctlChange[] {
  const all = Number(sysctls.read("ipv4/conf/all/rp_filter") ?? 0);
  return devices
    .map((name) => `ipv4/conf/${name}/rp_filter`)
    .filter((key) => Math.max(all, Number(sysctls.read(key) ?? 0)) === STRICT)
    .map((key) => ({ key, value: String(LOOSE) }));
}

/** rp_filter, RFC 3704: 1 strict, 2 loose. */
const STRICT = 1;
const LOOSE = 2;

function refusal(key: string, value: string, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return `cannot set net.${key.replaceAll("/", ".")} to ${value} (${why}): set it on the host`;
}
