/** `pnpm bench <table> [--runs N] [--seconds N] [--profile NAME]… [--traces DIR]`: measures, prints and writes docs/benchmarks.md. */
import { parseArgs } from "node:util";
import { missingForLab } from "../lab/requirements.ts";
import { failoverTable } from "./failover-table.ts";
import { latencyTable } from "./latency-table.ts";
import type { BenchOptions } from "./options.ts";
import { profileTable } from "./profile-table.ts";
import { rawTable } from "./raw-table.ts";
import { type Table, writeTable } from "./report.ts";
import { singleTable } from "./single-table.ts";
import { traceTable } from "./trace-table.ts";

interface Bench {
  readonly about: string;
  readonly programs: readonly string[];
  readonly measure: (options: BenchOptions) => Promise<Table>;
}

const PRODUCT_PROGRAMS = ["nats-server", "nft", "iperf3", "ping"];
const BENCHES: Readonly<Record<string, Bench>> = {
  raw: { about: "speed of forwarding over unshaped paths (4 min)", programs: PRODUCT_PROGRAMS, measure: rawTable },
  profiles: {
    about: "one TCP flow over every profile, against MPTCP (70 min)",
    programs: [...PRODUCT_PROGRAMS, "mptcpize"],
    measure: profileTable,
  },
  single: {
    about: "all links against each one alone, every profile (30 min)",
    programs: PRODUCT_PROGRAMS,
    measure: singleTable,
  },
  traces: {
    about: "recorded cellular links; needs --traces DIR (4 min)",
    programs: PRODUCT_PROGRAMS,
    measure: traceTable,
  },
  latency: { about: "ping under load on every profile (9 min)", programs: PRODUCT_PROGRAMS, measure: latencyTable },
  failover: {
    about: "gap after a silent cut, and the return (3 min)",
    programs: PRODUCT_PROGRAMS,
    measure: failoverTable,
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "3" },
    seconds: { type: "string", default: "8" },
    profile: { type: "string", multiple: true, default: [] },
    traces: { type: "string", default: "" },
  },
});
const names = positionals.length > 0 ? positionals : ["raw"];
const unknown = names.find((name) => !(name in BENCHES));
if (unknown) exit(`There is no table "${unknown}". There are:\n${list()}`);
for (const name of names) {
  const bench = BENCHES[name]!;
  const missing = missingForLab(bench.programs);
  if (missing) exit(`The table "${name}" ${missing}.`);
  const options = {
    runs: Number(values.runs),
    seconds: Number(values.seconds),
    profiles: values.profile,
    traces: values.traces,
  };
  console.log(writeTable(name, await bench.measure(options)));
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
