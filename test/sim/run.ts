/**
 * Runs random worlds on all cores and prints the worst of them; of those so far, if it is interrupted.
 *   node test/sim/run.ts [--seeds K] [--from SEED] [--seed SEED] [--workers N]
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { Outcome } from "./check.ts";

const WORST = 5;
const PROGRESS_EVERY = 500;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    workers: { type: "string", default: String(availableParallelism()) },
  },
});
const from = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const startedAt = performance.now();
const outcomes: Outcome[] = [];
let next = from;

process.once("SIGINT", () => {
  report();
  process.exit();
});
await Promise.all(Array.from({ length: Math.min(count, Number(values.workers)) }, work));
report();

/** One worker takes seed after seed. */
async function work(): Promise<void> {
  const worker = new Worker(new URL("./seed-worker.ts", import.meta.url));
  await new Promise<void>((resolve, reject) => {
    const feed = (): void => {
      if (next < from + count) worker.postMessage(next++);
      else resolve();
    };
    worker.on("error", reject);
    worker.on("message", (outcome: Outcome) => {
      note(outcome);
      feed();
    });
    feed();
  });
  await worker.terminate();
}

function note(outcome: Outcome): void {
  outcomes.push(outcome);
  if (outcome.violations.length > 0) {
    console.log(`seed ${outcome.seed}: ${outcome.description}`);
    for (const violation of outcome.violations) console.log(`  ${violation}`);
  }
  if (outcomes.length % PROGRESS_EVERY === 0) console.error(`${outcomes.length} seeds, ${seconds()} s`);
}

function report(): void {
  const failed = outcomes.filter((outcome) => outcome.violations.length > 0);
  const packets = outcomes.reduce((sum, outcome) => sum + outcome.deliveredPackets, 0);
  console.log(
    `${outcomes.length} seeds, ${packets} inner packets, ${seconds()} s: ${failed.length} with broken invariants`,
  );
  printWorst("longest pauses by their bound", (outcome) => outcome.pauseShare);
  printWorst("most buffers by their bound", (outcome) => outcome.slotsShare);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

function printWorst(title: string, measure: (outcome: Outcome) => number): void {
  console.log(`${title}:`);
  for (const outcome of outcomes.toSorted((a, b) => measure(b) - measure(a)).slice(0, WORST)) {
    const pause = `pause ${outcome.longestPauseMs.toFixed(0)} ms`;
    console.log(`  ${measure(outcome).toFixed(2)} seed ${outcome.seed}, ${pause} (${outcome.description})`);
  }
}

function seconds(): string {
  return ((performance.now() - startedAt) / 1_000).toFixed(1);
}
