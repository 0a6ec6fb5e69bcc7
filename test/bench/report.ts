import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

/** One section of docs/benchmarks.md. */
export interface Table {
  readonly title: string;
  /** What was measured, and how; a paragraph. */
  readonly about: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /**
   * For tables that are measured in parts: so many cells at the beginning name a row. Rows of these names are replaced, the others stay,
   * and a last column says how and when each was measured, of which commit, and with which mean load of the machine.
   */
  readonly parts?: { readonly keyCells: number; readonly how: string };
}

const FILE = new URL("../../docs/benchmarks.md", import.meta.url);
const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const PREAMBLE = `# Benchmarks

Written by \`npm run bench -- <table>\`; each table says when and where. All of it runs on one machine: both ends of the product, the traffic
programs and the link emulator share its processors, and what other programs take is missing. C is the payload ceiling,
0.913 of the sum of the link rates: of each 1,514-byte frame, 1,384 bytes are payload of inner TCP with timestamps; the rest is Ethernet, outer IP and UDP,
36 bytes of our own, inner IP and TCP.
`;

/** Puts the table into docs/benchmarks.md, in place of its section or rows there, and leaves the others. Returns the section. */
export function writeTable(name: string, table: Table): string {
  const old = existsSync(FILE) ? readFileSync(FILE, "utf8") : PREAMBLE;
  const merged = table.parts ? mergeRows(sectionOf(old, name), dated(table)) : table;
  const section = `<!-- ${name} -->\n${render(merged)}\n<!-- end of ${name} -->`;
  const text =
    sectionOf(old, name) === "" ? `${old.trimEnd()}\n\n${section}\n` : old.replace(place(name), () => section);
  writeFileSync(FILE, text);
  return section;
}

/** The table with those rows of an older section that it does not name itself. A section with other columns has none. */
export function mergeRows(section: string, table: Table): Table {
  const keyCells = table.parts?.keyCells ?? 0;
  const [header, , ...old] = section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map(cellsOf);
  if (header?.join() !== table.header.join()) return table;
  const key = (row: readonly string[]): string => row.slice(0, keyCells).join("|");
  const fresh = new Map(table.rows.map((row) => [key(row), row]));
  const rows = old.map((row) => fresh.get(key(row)) ?? row);
  const known = new Set(old.map(key));
  for (const row of table.rows.filter((each) => !known.has(key(each)))) {
    const neighbour = rows.findLastIndex(([first]) => first === row[0]);
    rows.splice(neighbour < 0 ? rows.length : neighbour + 1, 0, row);
  }
  return { ...table, rows };
}

function place(name: string): RegExp {
  return new RegExp(`<!-- ${name} -->[^]*<!-- end of ${name} -->`);
}

function sectionOf(text: string, name: string): string {
  return place(name).exec(text)?.[0] ?? "";
}

function dated(table: Table): Table {
  const load = `load ${loadavg()[0]!.toFixed(0)}`;
  const measured = [table.parts?.how, today(), revision(), load].filter(Boolean).join(", ");
  return { ...table, header: [...table.header, "measured"], rows: table.rows.map((row) => [...row, measured]) };
}

function render(table: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = table.header.map((_, i) => (i === 0 ? "---" : "--:"));
  return `## ${table.title}\n\n${table.about}\n\n${machine()}\n\n${[table.header, rule, ...table.rows].map(line).join("\n")}`;
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());
}

function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${today()}, Linux ${release()}, ${cpus().length} × ${model}, ${memory}, Node.js ${process.version}.`;
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

/** Short hash of the code that was measured; empty outside of a git repository. */
function revision(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: REPOSITORY, encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}
