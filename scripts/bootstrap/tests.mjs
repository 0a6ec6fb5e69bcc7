import { ROOT, run, say, UserError } from "./common.mjs";
import { workspaceEnvironment } from "./node.mjs";

/**
 * The rings of tests, from the inside out. The outer ones build network namespaces and measure time, so their files run one
 * after the other; they skip by name, with the reason, where root or a program is missing.
 */
const RINGS = {
  unit: {
    files: [
      "packages/*/src/**/*.test.ts",
      "services/*/src/**/*.test.ts",
      "deploy/**/*.test.ts",
      "scripts/**/*.test.mjs",
    ],
    serial: false,
  },
  sim: { files: ["test/sim/**/*.test.ts", "test/demo/**/*.test.ts", "test/bench/**/*.test.ts"], serial: false },
  e2e: { files: ["test/lab/**/*.test.ts", "test/e2e/**/*.test.ts"], serial: true },
};

/** `args`: names of rings (none = all), then options for `node --test`, e.g. `unit --test-name-pattern=bus`. */
export async function runTests(node, args) {
  const asked = args.filter((arg) => !arg.startsWith("-"));
  const options = args.filter((arg) => arg.startsWith("-"));
  const unknown = asked.find((name) => !(name in RINGS));
  if (unknown !== undefined)
    throw new UserError(`There is no ring of tests "${unknown}": ${Object.keys(RINGS).join(", ")}.`);
  const names = asked.length === 0 ? Object.keys(RINGS) : asked;
  const failed = [];
  for (const name of names) if ((await runRing(node, name, options)) !== 0) failed.push(name);
  say(failed.length === 0 ? `All tests passed: ${names.join(", ")}.` : `Tests failed: ${failed.join(", ")}.`);
  return failed.length === 0 ? 0 : 1;
}

async function runRing(node, name, options) {
  const { files, serial } = RINGS[name];
  say(`\nTests: ${name}`);
  const concurrency = serial ? ["--test-concurrency=1"] : [];
  const args = ["--disable-warning=ExperimentalWarning", "--test", ...concurrency, ...options, ...files];
  return await run(node, args, { cwd: ROOT, env: workspaceEnvironment(node) });
}
