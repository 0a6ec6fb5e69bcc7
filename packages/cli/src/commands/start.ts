import { resolve } from "node:path";
import { loadConfig } from "@edgebos/service/config";
import { type Invocation, requiredOption } from "../command.ts";
import { EXIT } from "../errors.ts";

/** Runs an instance in the foreground, or starts one in the background. */
export async function start(invocation: Invocation): Promise<number> {
  const { role, options, json } = invocation;
  const configFile = resolve(requiredOption(invocation, "config", "the configuration to start with"));
  const config = loadConfig(configFile);
  if (options.detach !== true) {
    const { supervise } = await import("../supervisor/supervisor.ts");
    await supervise({ role, config, configFile, detached: options["log-to-file"] === true });
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
