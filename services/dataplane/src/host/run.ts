/** Runs `ip` and `nft` with their input on stdin. */

import { spawn } from "node:child_process";
import type { IpBatch } from "./commands.ts";
import { HostError } from "./errors.ts";

/** Runs `ip -batch -` per family. With `force`, commands that fail are passed over: for removals. Rejects with {@link HostError}. */
export async function runIp(batch: IpBatch, options: { force: boolean } = { force: false }): Promise<void> {
  await runIpFamily("-4", batch.v4, options.force);
  await runIpFamily("-6", batch.v6, options.force);
}

/** Runs `nft -f -`. Rejects with {@link HostError}. */
export async function runNft(text: string): Promise<void> {
  const result = await run("nft", ["-f", "-"], text);
  if (result.status !== 0) throw failed("nft", result.stderr, text);
}

/** The text that `ip` prints for `args`; empty where it fails. */
export async function readIp(args: readonly string[]): Promise<string> {
  return (await run("ip", args, "")).stdout;
}

async function runIpFamily(family: "-4" | "-6", commands: readonly string[], force: boolean): Promise<void> {
  if (commands.length === 0) return;
  const flags = force ? [family, "-force", "-batch", "-"] : [family, "-batch", "-"];
  const result = await run("ip", flags, `${commands.join("\n")}\n`);
  if (result.status !== 0 && !force) throw failed("ip", result.stderr, commands.join("; "));
}

interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], input: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (cause) => reject(missing(program, cause)));
    child.on("close", (status) => resolve({ status: status ?? 1, stdout, stderr }));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function missing(program: string, cause: Error): HostError {
  const what = program === "ip" ? "iproute2" : "nftables";
  return new HostError("program-missing", `"${program}" cannot be run: install the package ${what}`, { cause });
}

function failed(program: string, stderr: string, input: string): HostError {
  const code = program === "ip" ? "routing-failed" : "nftables-failed";
  const said = stderr.trim().split("\n").slice(0, 3).join("; ");
  const advice = /not permitted/i.test(said) ? " (run the service as root or give it CAP_NET_ADMIN)" : "";
  return new HostError(code, `${program} refused "${input.trim().slice(0, 500)}": ${said}${advice}`);
}
