import { resolve } from "node:path";
import { loadConfig, type Role } from "@edgebos/service/config";
import { type Invocation, requiredOption } from "../command.ts";
import { EXIT } from "../errors.ts";
import { supervisorMain } from "../supervisor/build.ts";

/** Which command writes the configuration. */
const WRITERS: Record<Role, string> = { client: "edgebos-server client add", server: "edgebos-server init" };

/** Runs an instance in the foreground, or starts one in the background. */
export async function start(invocation: Invocation): Promise<number> {
  const { role, options, json } = invocation;
  const why = `the config.yaml to start with, which "${WRITERS[role]}" writes`;
  const configFile = resolve(requiredOption(invocation, "config", why));
  const config = loadConfig(configFile);
  if (options.detach !== true) {
    const logToFile = options["log-to-file"] === true;
    becomeBuilt(role, configFile, logToFile);
    const { supervise } = await import("../supervisor/supervisor.ts");
    await supervise({ role, config, configFile, detached: logToFile });
    return EXIT.ok;
  }
  const { startDetached } = await import("../supervisor/detach.ts");
  const pid = await startDetached(role, config, configFile);
  const text = `edgebos-${role} runs in the background (pid ${pid}). Look at it with "edgebos-${role} status --config ${configFile}".`;
  process.stdout.write(
    `${json ? JSON.stringify({ pid, stateDir: config.state_dir, http: config.listen.http }) : text}\n`,
  );
  return EXIT.ok;
}

/** Goes on as the built supervisor, which needs less memory, if this process runs from the sources and there is a current build. */
function becomeBuilt(role: Role, configFile: string, logToFile: boolean): void {
  const main = supervisorMain();
  if (main === process.argv[1]) return;
  const args = [main, role, "start", "--config", configFile, ...(logToFile ? ["--log-to-file"] : [])];
  process.execve?.(
    process.execPath,
    [process.execPath, ...process.execArgv, ...args],
    process.env as Record<string, string>,
  );
}
