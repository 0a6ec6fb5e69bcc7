import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Bus } from "./bus/types.ts";
import type { Config } from "./config/types.ts";
import type { Events } from "./events.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** What a service is given at start. */
export interface ServiceContext {
  /** As at start; see `onConfigChange`. */
  readonly config: Config;
  readonly configFile: string;
  readonly log: Logger;
  readonly bus: Bus;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly events: Events;
  /** Actions run in reverse order of their registration; each has 3 s. */
  onShutdown(action: () => Promise<void> | void): void;
  /** Adds a gRPC service to the Unix socket of this service. */
  readonly grpc: { add(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void };
  /** Called with the new, validated configuration each time it differs from the one before. */
  onConfigChange(listener: (config: Config) => void): void;
}
