import { common, type management } from "@edgebos/proto";
import { type Config, VERSION } from "@edgebos/service";
import type { ConfigurationFile } from "../configuration/configuration-file.ts";
import type { NodeState } from "../state/node-state.ts";
import type { Services } from "../state/services.ts";
import { nodeCondition } from "./condition.ts";
import { ManagementError } from "./errors.ts";
import { linkKey, linkList, statistics } from "./view.ts";
import { type Watch, WatchHub, type WatchSink } from "./watch-hub.ts";

export interface ManagementParts {
  /** As at the start of the service: role, addresses and interface of the running node. */
  readonly config: Config;
  /** Unix milliseconds. */
  readonly startedMs: number;
  readonly state: NodeState;
  readonly services: Pick<Services, "statuses">;
  readonly configuration: Pick<ConfigurationFile, "read" | "update">;
}

/**
 * What users may ask for: the Management service of management.proto without a transport. gRPC and REST are thin layers
 * over this. Rejects with ManagementError where the user can do something about it.
 */
export class Management {
  readonly #parts: ManagementParts;
  readonly #hub: WatchHub;

  constructor(parts: ManagementParts) {
    this.#parts = parts;
    this.#hub = new WatchHub(parts.state, parts.config.role);
  }

  get watchers(): number {
    return this.#hub.watchers;
  }

  async getStatus(): Promise<management.Status> {
    const { config, state, startedMs } = this.#parts;
    const services = await this.#parts.services.statuses(performance.now());
    return {
      role: config.role === "client" ? common.NodeRole.CLIENT : common.NodeRole.SERVER,
      node: config.node,
      version: VERSION,
      startedMs,
      ...nodeCondition(config, state, services),
      peers: state.telemetry?.peers ?? [],
      services,
      plan: state.plan,
      tunnelInterface: config.tunnel.interface,
    };
  }

  async listLinks(): Promise<management.LinkList> {
    return linkList(this.#parts.state, this.#parts.config.role);
  }

  async getLink(name: string): Promise<management.LinkStatus> {
    const { config, state } = this.#parts;
    const { links } = linkList(state, config.role);
    const found = links.find((status) => linkKey(status, config.role) === name);
    if (found !== undefined) return found;
    const known = links.map((status) => linkKey(status, config.role)).join(", ");
    const text = known === "" ? "there are no links at present" : `known are ${known}`;
    throw new ManagementError("link-unknown", `there is no link "${name}": ${text}`);
  }

  async getStatistics(): Promise<management.Statistics> {
    return statistics(this.#parts.state, Date.now());
  }

  async getConfiguration(): Promise<management.Configuration> {
    return this.#parts.configuration.read();
  }

  updateConfiguration(request: management.UpdateConfigurationRequest): Promise<management.UpdateConfigurationResponse> {
    return this.#parts.configuration.update(request);
  }

  watch(topics: readonly string[], sink: WatchSink): Watch {
    return this.#hub.open(topics, sink);
  }

  close(): void {
    this.#hub.close();
  }
}
