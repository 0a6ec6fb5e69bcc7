import { execFile, spawn } from "node:child_process";

/** The `ip` command could not be run, or would not do what it was told. */
export class IpToolError extends Error {
  readonly code: "ip-missing" | "ip-not-permitted" | "ip-failed";

  constructor(code: IpToolError["code"], text: string, cause?: unknown) {
    super(text, { cause });
    this.name = "IpToolError";
    this.code = code;
  }
}

/** The part of iproute2 that source routing needs. */
export interface IpTool {
  /** `ip -N -json rule show`, as text. */
  ruleJson(family: 4 | 6): Promise<string>;
  /** Runs all lines, also after one has failed; returns what `ip` complained of, one entry per complaint. */
  batch(family: 4 | 6, lines: readonly string[]): Promise<string[]>;
}

/** Longest time that one `ip` may take before it is ended. */
const IP_TIMEOUT_MS = 3000;

export const ipTool: IpTool = {
  ruleJson(family) {
    return new Promise((resolve, reject) => {
      const args = [`-${family}`, "-N", "-json", "rule", "show"];
      execFile("ip", args, { timeout: IP_TIMEOUT_MS }, (error, stdout, stderr) => {
        if (error) reject(translate(error, stderr));
        else resolve(stdout.trim());
      });
    });
  },

  batch(family, lines) {
    return new Promise((resolve, reject) => {
      const child = spawn("ip", [`-${family}`, "-force", "-batch", "-"], {
        stdio: ["pipe", "ignore", "pipe"],
        timeout: IP_TIMEOUT_MS,
      });
      let stderr = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
      });
      child.on("error", (error) => reject(translate(error, stderr)));
      child.on("close", () => {
        const failure = permissionFailure(stderr);
        if (failure) reject(failure);
        else resolve(complaints(stderr));
      });
      // EPIPE: `ip` ended early; its exit tells why.
      child.stdin.on("error", () => {});
      child.stdin.end(`${lines.join("\n")}\n`);
    });
  },
};

function translate(error: Error & { code?: unknown }, stderr: string): IpToolError {
  if (error.code === "ENOENT") {
    return new IpToolError("ip-missing", "The command `ip` is missing: install the package iproute2.", error);
  }
  return permissionFailure(stderr) ?? new IpToolError("ip-failed", `ip: ${stderr.trim() || error.message}`, error);
}

function permissionFailure(stderr: string): IpToolError | undefined {
  if (!stderr.includes("Operation not permitted")) return undefined;
  const text = "Per-link routing needs CAP_NET_ADMIN: run linkmon as root, or give it this capability.";
  return new IpToolError("ip-not-permitted", text, new Error(stderr.trim()));
}

/** `ip -batch` writes the reason and then "Command failed -:<line>". */
function complaints(stderr: string): string[] {
  return stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("Command failed"));
}
