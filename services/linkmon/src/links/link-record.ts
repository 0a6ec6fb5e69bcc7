import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { link } from "@edgebos/proto";
import type { ConditionState } from "../quality/condition.ts";
import type { Transition } from "../quality/stability.ts";

/** What is remembered of a link across a restart of the service. */
export interface LinkRecord {
  /** Never goes back for a name, so that dataplane can tell an old state from a new one. */
  readonly generation: number;
  /** Absent after a reboot, and for a link whose interface was gone: its times have lost their meaning. */
  readonly state?: LinkStateRecord;
}

export interface LinkStateRecord {
  /** Interface index, addresses and gateways to which the generation belongs. */
  readonly identity: string;
  readonly condition: Omit<ConditionState, "candidate">;
  readonly sinceUnixMs: number;
  readonly history: readonly Transition[];
  readonly quality: link.LinkQuality | undefined;
}

/**
 * Reads the records; none if there is no file or it cannot be understood, since everything in it can be learnt anew.
 */
export function loadRecords(file: string, bootId: string): ReadonlyMap<string, LinkRecord> {
  let stored: StoredRecords;
  try {
    stored = JSON.parse(readFileSync(file, "utf8")) as StoredRecords;
  } catch {
    return new Map();
  }
  if (stored.format !== FORMAT || typeof stored.links !== "object") return new Map();
  const sameBoot = stored.bootId === bootId;
  const entries = Object.entries(stored.links);
  return new Map(entries.map(([name, record]) => [name, sameBoot ? record : { generation: record.generation }]));
}

/** Writes the records in one step: a reader finds the old file or the new one. */
export function saveRecords(file: string, bootId: string, records: ReadonlyMap<string, LinkRecord>): void {
  const stored: StoredRecords = { format: FORMAT, bootId, links: Object.fromEntries(records) };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, JSON.stringify(stored));
  renameSync(`${file}.new`, file);
}

interface StoredRecords {
  readonly format: number;
  /** /proc/sys/kernel/random/boot_id: monotonic times are comparable within one boot only. */
  readonly bootId: string;
  readonly links: Readonly<Record<string, LinkRecord>>;
}

const FORMAT = 1;
