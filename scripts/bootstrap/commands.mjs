import { join } from "node:path";
import { check } from "./check.mjs";
import { ROOT, run, say } from "./common.mjs";
import { ensureNode, workspaceEnvironment } from "./node.mjs";
import {
  ensurePrograms,
  ensureProgramsIfPossible,
  requireRoot,
  TO_BENCH,
  TO_BENCH_QUIC,
  TO_DEMONSTRATE,
  TO_RUN,
  TO_TEST,
} from "./system.mjs";
import { runTests } from "./tests.mjs";
import { ensureBuild, ensureDashboard, ensurePackages } from "./workspace.mjs";

/** What stands behind the scripts of package.json. Each takes its arguments and resolves with an exit code. */
export const COMMANDS = {
  async setup() {
    await prepare();
    await ensureProgramsIfPossible(TO_RUN);
    say("Ready. Next: npm run demo, or ./edgebos-server help, ./edgebos-client help");
    return 0;
  },

  async demo(args) {
    requireRoot("The demo");
    return await runProgram("test/demo/main.ts", TO_DEMONSTRATE, args);
  },

  async bench(args) {
    requireRoot("The benchmark");
    return await runProgram("test/bench/main.ts", args.includes("quic") ? TO_BENCH_QUIC : TO_BENCH, args);
  },

  async test(args) {
    const node = await prepare();
    await ensureProgramsIfPossible(TO_TEST);
    return await runTests(node, args);
  },

  async check() {
    const node = await ensureNode();
    await ensurePackages(node);
    return await check(node);
  },

  /** Runs a TypeScript file of the repository: `node scripts/bootstrap.mjs run FILE ARGS…`. */
  async run([file, ...args]) {
    return await runProgram(file, [], args);
  },
};

async function prepare() {
  const node = await ensureNode();
  await ensurePackages(node);
  await ensureDashboard(node);
  await ensureBuild(node);
  return node;
}

async function runProgram(file, programs, args) {
  const node = await prepare();
  await ensurePrograms(programs);
  const env = workspaceEnvironment(node);
  return await run(node, ["--disable-warning=ExperimentalWarning", join(ROOT, file), ...args], { env });
}
