/**
 * Runs random worlds on all cores and prints the worst of them; of those so far, if it is interrupted.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { orExit, wholeNumber } from "../command-line.ts";
import type { Outcome } from "./check.ts";

const WORST = 5;
const PROGRESS_EVERY = 500;

const USAGE = `npm run sim -- [option…]
  --seeds K      how many worlds (1000)
  --from SEED    the first one (1)
  --seed SEED    only this one
  --workers N    processors to use (all)`;

const { from, count, workers } = orExit(USAGE, commandLine);
const startedAt = performance.now();
const outcomes: Outcome[] = [];
let next = from;

process.once("SIGINT", () => {
  report();
  process.exit();
});
await Promise.all(Array.from({ length: Math.min(count, workers) }, work));
report();

function commandLine(): { readonly from: number; readonly count: number; readonly workers: number } {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "1000" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      workers: { type: "string", default: String(availableParallelism()) },
    },
  });
  return {
    from: values.seed === undefined ? wholeNumber("--from", values.from, 0) : wholeNumber("--seed", values.seed, 0),
    count: values.seed === undefined ? wholeNumber("--seeds", values.seeds, 1) : 1,
    workers: wholeNumber("--workers", values.workers, 1),
  };
}

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
