import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** One section of docs/benchmarks.md. */
export interface Table {
  readonly title: string;
  /** What was measured, and how; a paragraph. */
  readonly about: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const FILE = new URL("../../docs/benchmarks.md", import.meta.url);
const PREAMBLE = `# Benchmarks

Written by \`pnpm bench <table>\`; each table says when and where. All of it runs on one machine: both ends of the product, the traffic
programs and the link emulator share its processors, and what other programs take is missing. C is the payload ceiling,
0.913 of the sum of the link rates: 1,500-byte frames with Ethernet, outer IP and UDP, 44 bytes of our own, inner IP and TCP.
`;

/** Replaces the table's section in docs/benchmarks.md and leaves the others. Returns the section. */
export function writeTable(name: string, table: Table): string {
  const section = `<!-- ${name} -->\n${render(table)}\n<!-- end of ${name} -->`;
  const old = existsSync(FILE) ? readFileSync(FILE, "utf8") : PREAMBLE;
  const place = new RegExp(`<!-- ${name} -->[^]*<!-- end of ${name} -->`);
  const text = place.test(old) ? old.replace(place, () => section) : `${old.trimEnd()}\n\n${section}\n`;
  writeFileSync(FILE, text);
  return section;
}

function render(table: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = table.header.map((_, i) => (i === 0 ? "---" : "--:"));
  return `## ${table.title}\n\n${table.about}\n\n${machine()}\n\n${[table.header, rule, ...table.rows].map(line).join("\n")}`;
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, Linux ${release()}, ${cpus().length} × ${model}, ${memory}, Node.js ${process.version}.`;
}
