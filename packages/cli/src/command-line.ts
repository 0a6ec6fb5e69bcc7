import type { Role } from "@edgebos/service/config";
import { type Command, parseInvocation } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { CommandError, EXIT } from "./errors.ts";
import { commandHelp, helpText } from "./help.ts";

/** Runs one command and returns the exit code. Errors that a user can do something about are one message on standard error. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const [role, ...rest] = args;
  if (role !== "client" && role !== "server") {
    process.stderr.write("the first argument must be client or server: use edgebos-client or edgebos-server\n");
    return EXIT.usage;
  }
  try {
    return await run(role, rest);
  } catch (error) {
    return explain(role, rest, error);
  }
}

async function run(role: Role, args: readonly string[]): Promise<number> {
  const [first] = args;
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    const command = args.length > 1 ? find(role, args.slice(1)).command : undefined;
    process.stdout.write(command === undefined ? helpText(role) : commandHelp(role, command));
    return first === undefined ? EXIT.usage : EXIT.ok;
  }
  if (first === "--version" || first === "-v") return run(role, ["version"]);
  const { command, rest } = find(role, args);
  const invocation = parseInvocation(role, command, rest);
  if (invocation.options.help === true) {
    process.stdout.write(commandHelp(role, command));
    return EXIT.ok;
  }
  const action = await command.load();
  return await action(invocation);
}

/** The command whose words the arguments begin with, and what follows them. */
function find(role: Role, args: readonly string[]): { command: Command; rest: readonly string[] } {
  for (const command of COMMANDS) {
    const words = command.words.split(" ");
    if (!words.every((word, index) => args[index] === word)) continue;
    if (command.roles.includes(role)) return { command, rest: args.slice(words.length) };
    const other = command.roles[0]!;
    throw new CommandError("usage", `"${command.words}" is a command of edgebos-${other}`, EXIT.usage);
  }
  const started = COMMANDS.filter(({ words, roles }) => words.startsWith(`${args[0]} `) && roles.includes(role));
  const hint =
    started.length > 0 ? `say which: ${started.map(({ words }) => words).join(", ")}` : `see "edgebos-${role} help"`;
  throw new CommandError("usage", `there is no command "${args.slice(0, 2).join(" ")}"; ${hint}`, EXIT.usage);
}

function explain(role: Role, args: readonly string[], error: unknown): number {
  const code = (error as { code?: unknown }).code;
  const known = error instanceof CommandError || (error instanceof Error && error.name === "ConfigError");
  const text = known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (args.includes("--json"))
    process.stdout.write(`${JSON.stringify({ error: { code: code ?? "unexpected", message: text } })}\n`);
  process.stderr.write(`edgebos-${role}: ${text}\n`);
  return error instanceof CommandError ? error.exitCode : EXIT.failure;
}
