import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** What `setup` brings besides the workspace's packages; never committed. */
export const TOOLS = join(ROOT, ".tools");

/** Something that the user can do something about: printed as it is, without a stack. */
export class UserError extends Error {}

export function say(text) {
  process.stdout.write(`${text}\n`);
}

/** Runs a program with the terminal's input and output. Resolves with its exit code; signals reach it through the terminal. */
export function run(command, args, { env = process.env, cwd = ROOT, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: quiet ? ["ignore", "pipe", "pipe"] : "inherit" });
    const ignore = () => {};
    const forward = () => child.kill("SIGTERM");
    process.on("SIGINT", ignore);
    process.on("SIGTERM", forward);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        output += text;
      });
    }
    child.once("error", reject);
    child.once("close", (code, signal) => {
      process.off("SIGINT", ignore);
      process.off("SIGTERM", forward);
      const exitCode = code ?? (signal === "SIGINT" ? 130 : 143);
      if (quiet && exitCode !== 0) process.stderr.write(output);
      resolve(exitCode);
    });
  });
}

/** Runs a program that must succeed. `advice` is the sentence for the user if it does not. */
export async function mustRun(command, args, advice, options) {
  const code = await run(command, args, options);
  if (code !== 0) throw new UserError(`${advice} (${[command, ...args].join(" ")} ended with ${code})`);
}

/** Path of a program, also in the sbin directories that a user's PATH may lack. */
export function findProgram(name) {
  const directories = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

export function isRoot() {
  return process.geteuid?.() === 0;
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
