import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crossings } from "./boundaries.mjs";
import { ROOT, run, say } from "./common.mjs";
import { workspaceEnvironment } from "./node.mjs";

/** What CI runs besides the tests. Each resolves with an exit code. */
const CHECKS = {
  "format and lint": (tools) => tools.bin("biome", ["check", "--error-on-warnings", "."]),
  types: (tools) => tools.bin("tsc", ["-p", "tsconfig.json"]),
  "types of packages/tunnel, which knows no Node": (tools) => tools.bin("tsc", ["-p", "packages/tunnel/tsconfig.json"]),
  "types of the dashboard": (tools) => tools.bin("tsc", ["-p", "services/api/web/tsconfig.json"]),
  "generated code is what proto/ generates": generatedCode,
  "imports point inward": boundaries,
};

/** Runs all checks, also after one has failed. */
export async function check(node) {
  const env = workspaceEnvironment(node);
  const bin = (name, args, cwd = ROOT) =>
    run(join(ROOT, "node_modules", ".bin", name), args, { env, cwd, quiet: true });
  const failed = [];
  for (const [title, action] of Object.entries(CHECKS)) {
    const started = Date.now();
    const ok = (await action({ bin })) === 0;
    if (!ok) failed.push(title);
    say(`${ok ? "ok    " : "FAILED"} ${title} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  }
  return failed.length === 0 ? 0 : 1;
}

/** Generates into a copy of proto/ and compares, so that other changes in the tree do not matter. */
async function generatedCode({ bin }) {
  const copy = mkdtempSync(join(tmpdir(), "edgebos-proto-"));
  try {
    const proto = join(ROOT, "proto");
    const generated = join(copy, "gen");
    const steps = [
      () => bin("buf", ["lint"], proto),
      () => bin("buf", ["generate", "--output", copy], proto),
      () => bin("buf", ["build", "-o", join(generated, "descriptor.binpb")], proto),
      () => run("diff", ["-rq", generated, join(proto, "gen")], { quiet: true }),
    ];
    for (const step of steps) {
      const code = await step();
      if (code !== 0) return code;
    }
    return 0;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function boundaries() {
  const found = crossings(ROOT);
  for (const text of found) process.stderr.write(`${text}\n`);
  return found.length === 0 ? 0 : 1;
}
