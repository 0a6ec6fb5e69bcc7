import { run } from "../lab/process.ts";

/** Counters of a namespace's TCP since it was made: /proc/net/snmp and /proc/net/netstat. Names as nstat(8) shows them. */
const NAMES = [
  "TcpOutSegs",
  "TcpRetransSegs",
  /** The peer said that it got something twice. */
  "TcpExtTCPDSACKRecv",
  /** This end got something twice and said so. */
  "TcpExtTCPDSACKOldSent",
  "TcpExtTCPDSACKOfoSent",
  /** The sender found that its segments were overtaken. */
  "TcpExtTCPSACKReorder",
  "TcpExtTCPTSReorder",
  /** Segments that arrived before an earlier one. */
  "TcpExtTCPOFOQueue",
] as const;

export type TcpCounters = Readonly<Record<(typeof NAMES)[number], number>>;

export async function tcpCounters(namespace: string): Promise<TcpCounters> {
  const text = await run(["cat", "/proc/net/snmp", "/proc/net/netstat"], { namespace });
  const values = new Map<string, number>();
  let header: readonly string[] = [];
  for (const line of text.split("\n")) {
    const [prefix = "", ...cells] = line.split(" ");
    if (cells.some((cell) => !/^-?\d+$/.test(cell))) header = cells;
    else for (const [i, cell] of cells.entries()) values.set(`${prefix.slice(0, -1)}${header[i]}`, Number(cell));
  }
  return mapNames((name) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`the kernel has no counter ${name}`);
    return value;
  });
}

/** What happened between two readings. */
export function countersSince(before: TcpCounters, after: TcpCounters): TcpCounters {
  return mapNames((name) => after[name] - before[name]);
}

function mapNames(of: (name: (typeof NAMES)[number]) => number): TcpCounters {
  return Object.fromEntries(NAMES.map((name) => [name, of(name)])) as TcpCounters;
}
