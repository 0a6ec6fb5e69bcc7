import { startRelay } from "../lab/relay.ts";
import { adoptProcess } from "../lab/state.ts";
import { PREFIX, type Stage } from "./scenario.ts";
import type { Screen } from "./screen.ts";

/** Where the client's dashboard is shown outside its namespace. */
const DASHBOARD_PORT = 9080;

/** Leaves everything running and says how to look at it. */
export async function keepRunning(stage: Stage, screen: Screen): Promise<void> {
  const relay = await startRelay({
    listen: `tcp:127.0.0.1:${DASHBOARD_PORT}`,
    connect: `unix:${stage.client.restSocket}`,
    detached: true,
  });
  adoptProcess(PREFIX, relay.pid);
  const { namespace, configFile } = stage.client;
  screen.say(`  All of it goes on running.
    dashboard          http://127.0.0.1:${DASHBOARD_PORT}/
    status             ip netns exec ${namespace} ./edgebos-client status --config ${configFile}
    links              ip netns exec ${namespace} ./edgebos-client links --config ${configFile}
    try it             ip netns exec ${namespace} curl -o /dev/null http://198.51.100.2:8000/file
    remove it          npm run demo -- --remove
`);
}
