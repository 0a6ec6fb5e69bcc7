/** `npm run bench -- <table…>`: measures, prints and writes docs/benchmarks.md. */
import { orExit } from "../command-line.ts";
import { missingForLab } from "../lab/requirements.ts";
import { cpuTable } from "./cpu-table.ts";
import { failoverTable } from "./failover-table.ts";
import { innerTable } from "./inner-table.ts";
import { latencyTable } from "./latency-table.ts";
import { type BenchOptions, parseCommandLine, USAGE } from "./options.ts";
import { profileTable } from "./profile-table.ts";
import { loadProfiles } from "./profiles.ts";
import { QUIC_PROFILES, quicTable } from "./quic-table.ts";
import { rawTable } from "./raw-table.ts";
import { type Table, writeTable } from "./report.ts";
import { shortTable } from "./short-table.ts";
import { singleTable } from "./single-table.ts";
import { traceTable } from "./trace-table.ts";
import { udpTable } from "./udp-table.ts";

interface Bench {
  readonly about: string;
  /** Beyond {@link PRODUCT_PROGRAMS}. */
  readonly programs?: readonly string[];
  /** Measured profile by profile, each written when it is done: these, unless others are asked for. */
  readonly profiles?: readonly string[];
  readonly measure: (options: BenchOptions) => Promise<Table>;
}

const PRODUCT_PROGRAMS = ["nats-server", "nft", "iperf3", "ping"];
const ALL = [...loadProfiles().keys()];
const BENCHES: Readonly<Record<string, Bench>> = {
  raw: { about: "speed of forwarding over unshaped paths (4 min)", measure: rawTable },
  profiles: {
    about: "one TCP flow over every profile, against MPTCP (80 min)",
    programs: ["mptcpize"],
    profiles: ALL,
    measure: profileTable,
  },
  single: {
    about: "all links against the best one alone, every profile (25 min)",
    profiles: ALL,
    measure: singleTable,
  },
  short: {
    about: "TCP connect and a GET of 10 kB on every profile, idle and under load (35 min)",
    profiles: ALL,
    measure: shortTable,
  },
  inner: {
    about: "what the inner TCP sees, and our overhead, on every profile (50 min)",
    profiles: ALL,
    measure: innerTable,
  },
  traces: { about: "recorded cellular links; needs --traces DIR (4 min)", measure: traceTable },
  latency: { about: "ping under load on every profile (9 min)", profiles: ALL, measure: latencyTable },
  udp: { about: "one UDP flow at nine tenths of every profile (25 min)", profiles: ALL, measure: udpTable },
  failover: { about: "gap after a silent cut, and the return (3 min)", measure: failoverTable },
  quic: {
    about: "an HTTP/3 download from caddy to chromium (5 min)",
    programs: ["caddy", "chromium-headless-shell", "openssl"],
    profiles: QUIC_PROFILES,
    measure: quicTable,
  },
  cpu: { about: "processor time of both ends at 100 Mbit/s, and idle (4 min)", measure: cpuTable },
};

const { tables, options } = orExit(USAGE, () => parseCommandLine(process.argv.slice(2)));
if (tables[0] === "list") {
  console.log(`${list()}\n\n${USAGE}`);
  process.exit(0);
}
const names = tables.length > 0 ? tables : ["raw"];
const unknown = names.find((name) => !(name in BENCHES));
if (unknown) exit(`There is no table "${unknown}". There are:\n${list()}\n\n${USAGE}`);
for (const name of names) await measure(name, BENCHES[name]!);

async function measure(name: string, bench: Bench): Promise<void> {
  const missing = missingForLab([...PRODUCT_PROGRAMS, ...(bench.programs ?? [])]);
  if (missing) exit(`The table "${name}" ${missing}.`);
  const profiles = options.profiles.length > 0 ? options.profiles : bench.profiles;
  const parts = bench.profiles ? profiles!.map((profile) => ({ ...options, profiles: [profile] })) : [options];
  let section = "";
  for (const part of parts) section = writeTable(name, await bench.measure(part));
  console.log(section);
}

function list(): string {
  return Object.entries(BENCHES)
    .map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
    .join("\n");
}

function exit(text: string): never {
  console.error(text);
  process.exit(1);
}
