/** What the command line says of a bench. */
import { parseArgs } from "node:util";
import { oneOf, wholeNumber } from "../command-line.ts";
import type { LinkProfile } from "../lab/profiles.ts";
import type { IperfOptions } from "../lab/traffic/iperf.ts";
import { loadProfiles } from "./profiles.ts";

export type Direction = NonNullable<IperfOptions["direction"]>;
/** Congestion control of the sending host. */
export type Sender = NonNullable<IperfOptions["congestionControl"]>;

export interface BenchOptions {
  readonly runs: number;
  /** Of one measurement, without what is left out at its beginning. */
  readonly seconds: number;
  /** Left out at the beginning of a flow. */
  readonly omitSeconds: number;
  /** Names of profiles; empty = all. */
  readonly profiles: readonly string[];
  /** Empty = what the table measures by itself. */
  readonly directions: readonly Direction[];
  readonly senders: readonly Sender[];
  /** Runs of MPTCP to compare with; 0 = none. */
  readonly mptcpRuns: number;
  /** Upper bound of the hosts' TCP windows; undefined = the kernel's own. */
  readonly tcpBufferBytes?: number | undefined;
  /** Directory of recorded links, `<name>.up` and `<name>.down`. */
  readonly traces: string;
}

export interface CommandLine {
  /** Names of tables. */
  readonly tables: readonly string[];
  readonly options: BenchOptions;
}

export const USAGE = `npm run bench -- <table…> [option…]
  --runs N           of each measurement (3); the tables give medians
  --seconds N        of one run (8)
  --omit N           seconds left out at the beginning of a flow of the profiles (2)
  --profile NAME     only this profile of test/bench/profiles.json; may be repeated
  --direction D      only upload or download
  --sender S         only hosts that send with cubic or bbr
  --mptcp-runs N     runs of MPTCP (as many as --runs)
  --no-mptcp         the same as --mptcp-runs 0
  --buffers SIZE     the hosts' largest TCP windows, e.g. 32MB (the kernel's default)
  --traces DIR       recorded links: <name>.up and <name>.down`;

/** Start-up of the senders' and our own congestion control. */
const OMIT_SECONDS = 2;
const DIRECTIONS: readonly Direction[] = ["upload", "download"];
const SENDERS: readonly Sender[] = ["cubic", "bbr"];
const SIZE = /^(\d+)(k|m)?b?$/i;

/** @throws Error with a sentence for the user. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "3" },
      seconds: { type: "string", default: "8" },
      omit: { type: "string", default: String(OMIT_SECONDS) },
      profile: { type: "string", multiple: true, default: [] },
      direction: { type: "string", multiple: true, default: [] },
      sender: { type: "string", multiple: true, default: [] },
      "mptcp-runs": { type: "string" },
      "no-mptcp": { type: "boolean", default: false },
      buffers: { type: "string" },
      traces: { type: "string", default: "" },
    },
  });
  const runs = wholeNumber("--runs", values.runs, 1);
  const options: BenchOptions = {
    runs,
    seconds: wholeNumber("--seconds", values.seconds, 1),
    omitSeconds: wholeNumber("--omit", values.omit, 0),
    profiles: oneOf("--profile", values.profile, [...loadProfiles().keys()]),
    directions: oneOf("--direction", values.direction, DIRECTIONS),
    senders: oneOf("--sender", values.sender, SENDERS),
    mptcpRuns: values["no-mptcp"] ? 0 : wholeNumber("--mptcp-runs", values["mptcp-runs"] ?? String(runs), 0),
    ...(values.buffers === undefined ? {} : { tcpBufferBytes: sizeBytes(values.buffers) }),
    traces: values.traces,
  };
  return { tables: positionals, options };
}

/** The asked profiles, or all, in the order of profiles.json. */
export function profilesOf({ profiles }: BenchOptions): [name: string, links: readonly LinkProfile[]][] {
  return [...loadProfiles()].filter(([name]) => profiles.length === 0 || profiles.includes(name));
}

/** The flows that are asked for, or the table's own choice. */
export function flowsOf(
  options: BenchOptions,
  directions: readonly Direction[] = DIRECTIONS,
  senders: readonly Sender[] = SENDERS,
): { readonly direction: Direction; readonly congestionControl: Sender }[] {
  const ways = options.directions.length > 0 ? options.directions : directions;
  const controls = options.senders.length > 0 ? options.senders : senders;
  return ways.flatMap((direction) => controls.map((congestionControl) => ({ direction, congestionControl })));
}

/** How a profile is called in a table: figures with other windows, or of a flow that has run for longer, stand beside the others. */
export function profileLabel(name: string, { tcpBufferBytes, omitSeconds }: BenchOptions): string {
  const buffers = tcpBufferBytes === undefined ? "" : `, ${Math.round(tcpBufferBytes / 2 ** 20)} MB windows`;
  return `${name}${buffers}${omitSeconds === OMIT_SECONDS ? "" : `, after ${omitSeconds} s`}`;
}

function sizeBytes(text: string): number {
  const [, digits, unit] = SIZE.exec(text) ?? [];
  if (digits === undefined) throw new Error(`--buffers ${text}: a size like 32MB is wanted.`);
  const factor = { k: 2 ** 10, m: 2 ** 20 }[unit?.toLowerCase() ?? ""] ?? 1;
  return Number(digits) * factor;
}
