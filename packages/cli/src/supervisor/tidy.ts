import { mkdirSync } from "node:fs";
import type { Config } from "@edgebos/service/config";
import { stateFiles } from "@edgebos/service/state-files";
import { endProcesses } from "../instance/end-processes.ts";
import { codeRoot } from "./build.ts";
import type { SupervisorLog } from "./log.ts";
import { untilServicesAnswer } from "./readiness.ts";
import { servicePlans } from "./services.ts";
import { Supervised } from "./supervised.ts";

/** Services that change the machine's network and put it back when they stop. */
const CHANGE_THE_NETWORK = ["dataplane", "linkmon"] as const;
/** How long such a service may take to start, milliseconds. */
const START_LIMIT_MS = 10_000;

/**
 * Puts the machine's network back where a service could not do so itself because it was killed: routes into a tunnel that nobody
 * serves would cut the machine off. The service takes over what its predecessor left when it starts, and removes it
 * when it stops; so it is run once more, for a moment. `ended` are the names of the services that stopped cleanly.
 */
export async function tidyUp(
  config: Config,
  configFile: string,
  ended: readonly string[],
  log: SupervisorLog,
  root = codeRoot(),
): Promise<readonly string[]> {
  const names = CHANGE_THE_NETWORK.filter((name) => !ended.includes(name));
  if (names.length === 0) return [];
  log.info("cleaning up after services that were killed", { services: names });
  mkdirSync(stateFiles(config.state_dir).runDir, { recursive: true, mode: 0o700 });
  const plans = servicePlans(config, configFile, root).filter((plan) => names.some((name) => name === plan.name));
  const services = plans.map((plan) => new Supervised({ ...plan, inheritOutput: false }, log, () => {}));
  for (const service of services) service.start();
  await untilServicesAnswer(config.state_dir, START_LIMIT_MS, new AbortController().signal, names);
  for (const service of services) service.release();
  await endProcesses(
    services.flatMap((service) => service.record ?? []),
    (name) => log.warn(`${name} did not end in time and was killed; what it left may remain`),
  );
  return names;
}
