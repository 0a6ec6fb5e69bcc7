#!/usr/bin/env node
import { COMMANDS } from "./bootstrap/commands.mjs";
// Entry of the root commands (npm run setup, demo, test, bench, check). Plain JavaScript without dependencies: it runs on any
// Node from 18 on and brings what the rest needs.
import { ROOT, UserError } from "./bootstrap/common.mjs";

const [name = "help", ...args] = process.argv.slice(2);

try {
  if (process.platform !== "linux")
    throw new UserError("EdgeBOS runs on Linux only: use a Linux machine or a virtual machine.");
  process.chdir(ROOT);
  const command = COMMANDS[name];
  if (command === undefined) throw new UserError(`There is no command "${name}": ${Object.keys(COMMANDS).join(", ")}.`);
  process.exitCode = await command(args);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
