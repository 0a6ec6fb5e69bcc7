/**
 * What every service shares: configuration, the bus, logging, metrics, health and an orderly end. A service's `main.ts` calls
 * `runService` with its name and its start function and does nothing else. This package knows nothing of what services do.
 */
export { type BusOptions, openBus } from "./bus/nats-bus.ts";
export type { Bus, BusStats, Decoder, Encoder } from "./bus/types.ts";
export { type ClientEntry, readClients } from "./clients.ts";
export {
  type Algorithm,
  type Config,
  ConfigError,
  type ConfigErrorCode,
  type ConfigProblem,
  configRevision,
  configYaml,
  defaultStateDir,
  type Endpoint,
  type LinkRole,
  type LogFormat,
  type LogLevel,
  loadConfig,
  type ManualInterface,
  parseConfig,
  parseEndpoint,
  RESTART_KEYS,
  type Role,
  type RoutingMode,
  schemaKeys,
} from "./config/index.ts";
export type { ServiceContext } from "./context.ts";
export type { EventSeverity, Events } from "./events.ts";
export { Health, type HealthEntry, type HealthReport } from "./health.ts";
export { createLogger, type Logger } from "./log.ts";
export { Metrics } from "./metrics.ts";
export { runService, serviceSocket } from "./run.ts";
export { StartError } from "./start-error.ts";
export { SERVICES, type ServiceName, stateFiles } from "./state-files.ts";
export { VERSION } from "./version.ts";
