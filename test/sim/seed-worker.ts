import { parentPort } from "node:worker_threads";
import { runScenario } from "./check.ts";
import { createScenario } from "./scenario.ts";

/** Runs the seeds that it is sent, one at a time. */
parentPort!.on("message", (seed: number) => {
  parentPort!.postMessage(runScenario(createScenario(seed)));
});
