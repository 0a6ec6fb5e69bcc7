import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, parseConfig, VALIDATED_CONFIG_VARIABLE, writeValidated } from "@edgebos/service/config";
import { SERVICES, type ServiceName, stateFiles } from "@edgebos/service/state-files";
import type { ProcessPlan } from "./supervised.ts";

/** Four services share a gateway's memory: a small young generation and a bounded heap. */
const NODE_FLAGS = ["--expose-gc", "--max-old-space-size=192", "--disable-warning=ExperimentalWarning"];
/** The services that handle a few messages a second do not need the optimising compilers, nor threads for them, and save their memory. */
const QUIET_FLAGS = ["--max-semi-space-size=1", "--no-opt", "--no-maglev", "--v8-pool-size=1", "--optimize-for-size"];
const FLAGS: Readonly<Record<ServiceName, readonly string[]>> = {
  dataplane: [...NODE_FLAGS, "--max-semi-space-size=2"],
  linkmon: [...NODE_FLAGS, ...QUIET_FLAGS],
  scheduler: [...NODE_FLAGS, ...QUIET_FLAGS],
  api: [...NODE_FLAGS, ...QUIET_FLAGS],
};

/** How to run each service of an instance. `root` is the directory that holds `services`. */
export function servicePlans(config: Config, configFile: string, root: string): ProcessPlan[] {
  const { validatedConfig } = stateFiles(config.state_dir);
  const env = { ...serviceEnvironment(config.state_dir), [VALIDATED_CONFIG_VARIABLE]: validatedConfig };
  return SERVICES.map((name) => ({
    name,
    command: process.execPath,
    args: [...FLAGS[name], serviceMain(root, name), "--config", configFile],
    env,
    inheritOutput: true,
    prepare: () => validate(configFile, validatedConfig),
  }));
}

/** How to have each service load its code and end, which fills the code cache. */
export function loadOnlyArguments(root: string): string[][] {
  return SERVICES.map((name) => [...FLAGS[name], serviceMain(root, name), "--load-only"]);
}

export function serviceEnvironment(stateDir: string): NodeJS.ProcessEnv {
  const cache = process.env.NODE_COMPILE_CACHE ?? stateFiles(stateDir).codeCache;
  return { ...process.env, NODE_COMPILE_CACHE: cache, MALLOC_ARENA_MAX: "2" };
}

/** A bundle if there is one, else the sources. */
export function serviceMain(root: string, name: ServiceName): string {
  const bundle = join(root, "services", name, "dist", "main.js");
  return existsSync(bundle) ? bundle : join(root, "services", name, "src", "main.ts");
}

/** Validates the configuration for the services. If it is not valid they say so themselves. */
function validate(configFile: string, validatedFile: string): void {
  try {
    const text = readFileSync(configFile, "utf8");
    writeValidated(validatedFile, configFile, text, parseConfig(text, configFile));
  } catch {
    // The service that is about to start reads the same file and reports what is wrong with it.
  }
}
