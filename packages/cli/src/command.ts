import { type ParseArgsConfig, parseArgs } from "node:util";
import type { Role } from "@edgebos/service/config";
import { CommandError, EXIT } from "./errors.ts";

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** Placeholder of the value in the help, e.g. FILE. */
  readonly value?: string;
  /** Left out of the help if absent. */
  readonly help?: string;
}

/** What a command is given. */
export interface Invocation {
  readonly role: Role;
  /** Positional arguments after the command's own words. */
  readonly operands: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly json: boolean;
}

/** One command. Its code is loaded only when it runs. */
export interface Command {
  /** Words that select it, e.g. `client add`. */
  readonly words: string;
  readonly roles: readonly Role[];
  /** Names of operands, all of them required. */
  readonly operands: readonly string[];
  readonly summary: string;
  readonly options: OptionSpecs;
  readonly load: () => Promise<(invocation: Invocation) => Promise<number> | number>;
}

export const JSON_OPTION: OptionSpecs = { json: { type: "boolean", help: "print JSON" } };

/** Parses what follows the command's words. Throws CommandError with one sentence. */
export function parseInvocation(role: Role, command: Command, args: readonly string[]): Invocation {
  const options: ParseArgsConfig["options"] = { help: { type: "boolean", short: "h" } };
  for (const [name, spec] of Object.entries(command.options)) {
    options[name] = spec.short === undefined ? { type: spec.type } : { type: spec.type, short: spec.short };
  }
  const { values, positionals } = parsed(role, command, joinNegatives(args), options);
  if (values.help !== true && positionals.length !== command.operands.length) {
    const expected = command.operands.length === 0 ? "no arguments" : command.operands.join(" and ");
    throw usage(
      role,
      command,
      `expects ${expected}, not ${positionals.length === 0 ? "nothing" : positionals.join(" ")}`,
    );
  }
  return { role, operands: positionals, options: values as Invocation["options"], json: values.json === true };
}

/** The value of a text option, if it was given. */
export function textOption(invocation: Invocation, name: string): string | undefined {
  const value = invocation.options[name];
  return typeof value === "string" ? value : undefined;
}

/** The value of a text option that must be given. */
export function requiredOption(invocation: Invocation, name: string, why: string): string {
  const value = textOption(invocation, name);
  if (value === undefined || value === "") throw new CommandError("usage", `--${name} is missing: ${why}`, EXIT.usage);
  return value;
}

/** The value of a whole-number option. */
export function numberOption(invocation: Invocation, name: string, fallback: number): number {
  const text = textOption(invocation, name);
  if (text === undefined) return fallback;
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new CommandError("usage", `--${name} must be a whole number, not "${text}"`, EXIT.usage);
}

function parsed(role: Role, command: Command, args: string[], options: NonNullable<ParseArgsConfig["options"]>) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (cause) {
    const text = (cause as Error).message.replace(/\. To specify a positional argument.*$/s, "");
    throw usage(role, command, text.charAt(0).toLowerCase() + text.slice(1), cause);
  }
}

function usage(role: Role, command: Command, text: string, cause?: unknown): CommandError {
  const advice = `see "edgebos-${role} help ${command.words}"`;
  return new CommandError("usage", `${command.words}: ${text}; ${advice}`, EXIT.usage, cause);
}

/** `--days -1` is a value here, not an option called 1. */
function joinNegatives(args: readonly string[]): string[] {
  return args.reduce<string[]>((joined, arg) => {
    const last = joined.at(-1);
    if (last !== undefined && /^--[a-z-]+$/.test(last) && /^-\d+$/.test(arg))
      joined[joined.length - 1] = `${last}=${arg}`;
    else joined.push(arg);
    return joined;
  }, []);
}
