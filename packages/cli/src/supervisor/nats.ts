import { randomBytes } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Config } from "@edgebos/service/config";
import { stateFiles } from "@edgebos/service/state-files";
import { CommandError } from "../errors.ts";
import type { ProcessPlan } from "./supervised.ts";

/** Bytes of the bus's values in memory; a link or a plan is well below a kilobyte. */
const MEMORY_STORE_BYTES = 16 * 1024 * 1024;
const LOG_BYTES = 4 * 1024 * 1024;

/** Writes the configuration of the private nats-server, with a secret made at the first start, and says how to run it. */
export function prepareNats(config: Config): ProcessPlan {
  const files = stateFiles(config.state_dir);
  for (const directory of [files.runDir, files.logDir, files.natsStore]) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }
  if (!existsSync(files.natsToken)) {
    writeFileSync(files.natsToken, `${randomBytes(24).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  }
  writeFileSync(files.natsConfig, natsConfig(config), { mode: 0o600 });
  return {
    name: "nats-server",
    command: findNatsServer(),
    args: ["-c", files.natsConfig],
    env: { ...process.env, GOMEMLIMIT: "24MiB", GOGC: "50" },
    inheritOutput: false,
  };
}

/** The path of nats-server. Debian puts it into sbin, which a user's PATH may lack. */
export function findNatsServer(path = process.env.PATH ?? ""): string {
  const directories = [...path.split(delimiter), "/usr/sbin", "/usr/local/sbin", "/usr/local/bin"].filter(
    (part) => part !== "",
  );
  const found = directories.map((directory) => join(directory, "nats-server")).find(isExecutable);
  if (found !== undefined) return found;
  throw new CommandError(
    "nats-server-missing",
    'nats-server is not installed: run "npm run setup" in the repository, or install it (apt-get install nats-server)',
  );
}

/** The token is read from the state directory by the services, never passed on a command line. */
function natsConfig(config: Config): string {
  const files = stateFiles(config.state_dir);
  return [
    `listen: ${JSON.stringify(config.listen.nats)}`,
    `server_name: ${JSON.stringify(config.node)}`,
    `authorization { token: ${JSON.stringify(readFileSync(files.natsToken, "utf8").trim())} }`,
    `jetstream { store_dir: ${JSON.stringify(files.natsStore)}, max_memory_store: ${MEMORY_STORE_BYTES} }`,
    `log_file: ${JSON.stringify(files.natsLog)}`,
    `logfile_size_limit: ${LOG_BYTES}`,
    "",
  ].join("\n");
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
