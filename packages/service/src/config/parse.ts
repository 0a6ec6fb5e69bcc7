import { readFileSync } from "node:fs";
import { type Document, isMap, isPair, isScalar, LineCounter, parseDocument } from "yaml";
import type * as z from "zod";
import { complete } from "./complete.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { ConfigError, type ConfigProblem } from "./error.ts";
import { nearest } from "./nearest.ts";
import { brokenRules } from "./rules.ts";
import { fileSchema } from "./schema.ts";
import { dotted, type KeyPath, keysAt, schemaKeys } from "./schema-keys.ts";
import type { Config } from "./types.ts";

/** Reads and validates a configuration file. Throws ConfigError, which names file, line, column, key and what is allowed. */
export function loadConfig(file: string): Config {
  return parseConfig(readText(file), file);
}

/** Validates configuration text; `file` is named in errors, and relative paths are relative to its directory. */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigError(
      "config-invalid",
      file,
      document.errors.map((error) => syntaxProblem(error, lines)),
    );
  }
  const places = new Places(document, lines);
  const parsed = fileSchema.safeParse(withoutNulls(document.toJS()) ?? {});
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => schemaProblems(issue, document, places));
    throw new ConfigError("config-invalid", file, inOrder(problems));
  }
  const config = complete(parsed.data, file);
  const broken = brokenRules(config);
  if (broken.length > 0) {
    const problems = broken.map(({ path, text }) => ({ ...places.of(path), key: dotted(path), text }));
    throw new ConfigError("config-invalid", file, inOrder(problems));
  }
  return deepFreeze(config);
}

/** Finds the place in the text for a path of keys. */
class Places {
  readonly #document: Document;
  readonly #lines: LineCounter;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  /** Of the value at `path`, or of the nearest thing around it that exists. */
  of(path: KeyPath): { line: number; column: number } {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offsetOf(path.slice(0, length), length === path.length);
      if (offset !== undefined) return this.#at(offset);
    }
    return { line: 0, column: 0 };
  }

  ofKey(path: KeyPath): { line: number; column: number } {
    const offset = this.#keyOffset(path);
    return offset === undefined ? this.of(path) : this.#at(offset);
  }

  #offsetOf(path: KeyPath, preferValue: boolean): number | undefined {
    const node = this.#document.getIn(path, true);
    const value = (node as { range?: [number, number, number] } | undefined)?.range?.[0];
    const isLeaf = !isMap(node);
    return preferValue && isLeaf && value !== undefined ? value : (this.#keyOffset(path) ?? value);
  }

  #keyOffset(path: KeyPath): number | undefined {
    const parent = path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true);
    if (!isMap(parent)) return undefined;
    const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === path.at(-1));
    return (pair?.key as { range?: [number, number, number] } | undefined)?.range?.[0];
  }

  #at(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const text =
      code === "ENOENT"
        ? "there is no such file: name one with --config FILE, or copy config.example.yaml and edit it"
        : `cannot be read (${code ?? message}): check its path and permissions`;
    const kind = code === "ENOENT" ? "config-missing" : "config-unreadable";
    throw new ConfigError(kind, file, [{ line: 0, column: 0, key: "", text }], cause);
  }
}

function syntaxProblem(error: { message: string; pos: [number, number] }, lines: LineCounter): ConfigProblem {
  const { line, col } = lines.linePos(error.pos[0]);
  return { line, column: col, key: "", text: `is not valid YAML: ${error.message}` };
}

function schemaProblems(issue: z.core.$ZodIssue, document: Document, places: Places): ConfigProblem[] {
  const key = dotted(issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((name) => {
      const path = [...issue.path, name];
      return { ...places.ofKey(path), key: dotted(path), text: unknownKey(name, issue.path) };
    });
  }
  const value: unknown = issue.path.length === 0 ? document.toJS() : document.getIn(issue.path);
  if (value === undefined || value === null) {
    const isSection = issue.code === "invalid_type" && issue.expected === "object";
    const what = isSection ? `add this section with the keys ${keysAt(issue.path).join(", ")}` : `it ${issue.message}`;
    return [{ ...places.of(issue.path), key, text: `is missing: ${what}` }];
  }
  if (issue.code === "invalid_type" && issue.expected === "object") {
    const keys = keysAt(issue.path).join(", ");
    return [{ ...places.of(issue.path), key, text: `must be a section with the keys ${keys}, not ${shown(value)}` }];
  }
  return [{ ...places.of(issue.path), key, text: `${issue.message}, not ${shown(value)}` }];
}

function unknownKey(name: string, parent: KeyPath): string {
  const siblings = keysAt(parent);
  const near = nearest(name, siblings);
  if (near !== undefined) return `there is no such key; did you mean ${near}?`;
  const elsewhere = schemaKeys().find((key) => key.endsWith(`.${name}`) || key.split(".").at(-2) === name);
  if (elsewhere !== undefined) return `there is no such key here; did you mean ${elsewhere}?`;
  return `there is no such key; allowed here: ${siblings.join(", ")}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** A key without a value, as when all its children are commented out, counts as absent. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== "object") return value ?? undefined;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}

function inOrder(problems: ConfigProblem[]): ConfigProblem[] {
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}
