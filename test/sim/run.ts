/**
 * Runs random worlds and prints the worst of them.
 *   node test/sim/run.ts [--seeds K] [--from SEED] [--seed SEED]
 */
import { parseArgs } from "node:util";
import { type Outcome, runScenario } from "./check.ts";
import { createScenario } from "./scenario.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
  },
});
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;

const outcomes: Outcome[] = [];
const startedAt = performance.now();
for (let seed = from; seed < from + count; seed++) {
  const outcome = runScenario(createScenario(seed));
  outcomes.push(outcome);
  if (outcome.violations.length > 0) print(outcome);
}
const failed = outcomes.filter((outcome) => outcome.violations.length > 0);
const packets = outcomes.reduce((sum, outcome) => sum + outcome.deliveredPackets, 0);
const seconds = (performance.now() - startedAt) / 1_000;
console.log(
  `${count} seeds, ${packets} inner packets, ${seconds.toFixed(1)} s: ${failed.length} with broken invariants`,
);
console.log("longest pauses:");
for (const outcome of outcomes.toSorted((a, b) => b.longestGapMs - a.longestGapMs).slice(0, 5)) {
  console.log(`  seed ${outcome.seed}: ${outcome.longestGapMs.toFixed(0)} ms (${outcome.description})`);
}
process.exitCode = failed.length > 0 ? 1 : 0;

function print(outcome: Outcome): void {
  console.log(`seed ${outcome.seed}: ${outcome.description}`);
  for (const violation of outcome.violations) console.log(`  ${violation}`);
}
