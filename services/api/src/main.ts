/** The management API: gRPC, REST and the web dashboard, and the owner of the configuration. Everything is wired here. */
import { parseEndpoint, runService, type ServiceContext } from "@edgebos/service";
import { publishConfiguration } from "./configuration/publish.ts";
import { GrpcServer } from "./grpc/server.ts";
import { Management } from "./management/management.ts";
import { bondMetrics } from "./observe/bond-metrics.ts";
import { warnIfExposed } from "./observe/exposure.ts";
import { requestMetrics } from "./observe/request-metrics.ts";
import { BUILT_DASHBOARD } from "./rest/dashboard.ts";
import { listenRest } from "./rest/server.ts";
import { edgebosSchema } from "./schema/edgebos-schema.ts";
import { feedFromBus } from "./state/bus-feed.ts";
import { feedDirectly } from "./state/direct-feed.ts";
import { NodeState } from "./state/node-state.ts";
import { ownStatus } from "./state/own-status.ts";
import { Services } from "./state/services.ts";
import { nodeStartedMs } from "./state/started.ts";

/** How often staleness is looked for, and the condition of the whole is found. */
const LOOK_EVERY_MS = 1000;

await runService("api", start);

async function start(context: ServiceContext): Promise<void> {
  const { config, log, bus, metrics, health, events } = context;
  const nowMs = () => performance.now();
  const state = new NodeState();
  feedFromBus(bus, config.node, state, nowMs);
  const services = new Services(config, ownStatus(health));
  context.onShutdown(() => services.close());

  const { configuration, stop } = publishConfiguration(context.configFile, bus, events);
  context.onShutdown(stop);

  const core = new Management({ config, startedMs: nodeStartedMs(config), state, services, configuration });
  context.onShutdown(() => core.close());
  let ready = false;
  bondMetrics(metrics, state, core, () => ready);

  const schema = edgebosSchema();
  const requests = requestMetrics(metrics);
  const report = (method: string, error: unknown) => log.error({ method, err: error }, "a request failed unexpectedly");
  const grpcEndpoint = parseEndpoint(config.listen.grpc);
  const grpc = await GrpcServer.listen({ endpoint: grpcEndpoint, core, schema, metrics: requests, report });
  context.onShutdown(() => grpc.close());
  const endpoint = parseEndpoint(config.listen.http);
  const dashboard = BUILT_DASHBOARD;
  const rest = await listenRest({ endpoint, core, schema, metrics, requests, health, dashboard, report });
  context.onShutdown(() => rest.close());
  warnIfExposed(config, events);

  const look = async () => {
    await feedDirectly(state, services, bus.connected, nowMs);
    ready = (await core.getStatus()).ready;
    grpc.setServing(ready);
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  context.onShutdown(() => clearInterval(timer));
  void look();
}
