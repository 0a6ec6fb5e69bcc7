/** Configuration alone, for processes that want nothing else of the service kit. */
export { defaultStateDir } from "./complete.ts";
export { configYaml, RESTART_KEYS } from "./effective.ts";
export { type Endpoint, parseEndpoint } from "./endpoint.ts";
export { ConfigError, type ConfigErrorCode, type ConfigProblem } from "./error.ts";
export { loadConfig, parseConfig } from "./parse.ts";
export { configRevision } from "./revision.ts";
export { schemaKeys } from "./schema-keys.ts";
export type {
  Algorithm,
  Config,
  LinkRole,
  LogFormat,
  LogLevel,
  ManualInterface,
  Role,
  RoutingMode,
} from "./types.ts";
export { VALIDATED_CONFIG_VARIABLE, writeValidated } from "./validated.ts";
