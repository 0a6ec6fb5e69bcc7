import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "@edgebos/service/config";
import { SERVICES, type ServiceName, stateFiles } from "@edgebos/service/state-files";
import type { ProcessPlan } from "./supervised.ts";

/** Small young generation and a bounded heap: four services share a gateway's memory. */
const NODE_FLAGS = ["--max-semi-space-size=2", "--max-old-space-size=192", "--disable-warning=ExperimentalWarning"];

/** The repository, or the directory of an installed copy of it. */
export const ROOT = join(import.meta.dirname, "../../../..");

/** How to run each service. */
export function servicePlans(config: Config, configFile: string, root: string): ProcessPlan[] {
  return SERVICES.map((name) => ({
    name,
    command: process.execPath,
    args: [...NODE_FLAGS, serviceMain(root, name), "--config", configFile],
    env: serviceEnvironment(config.state_dir),
    inheritOutput: true,
  }));
}

/** How to have each service load its code and end, which fills the code cache. */
export function loadOnlyArguments(root: string): string[][] {
  return SERVICES.map((name) => [...NODE_FLAGS, serviceMain(root, name), "--load-only"]);
}

export function serviceEnvironment(stateDir: string): NodeJS.ProcessEnv {
  const cache = process.env.NODE_COMPILE_CACHE ?? stateFiles(stateDir).codeCache;
  return { ...process.env, NODE_COMPILE_CACHE: cache, MALLOC_ARENA_MAX: "2" };
}

/** A bundle if there is one beside the sources, else the sources. */
export function serviceMain(root: string, name: ServiceName): string {
  const bundle = join(root, "services", name, "dist", "main.js");
  return existsSync(bundle) ? bundle : join(root, "services", name, "src", "main.ts");
}
