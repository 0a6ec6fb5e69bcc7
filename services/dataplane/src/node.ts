/** What both roles share: the forwarding loop's messages, telemetry, metrics, and the order in which things stop. */

import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { internal, subjects, telemetry } from "@edgebos/proto";
import { type ServiceContext, StartError } from "@edgebos/service";
import type { RefusalReason } from "./control/admission.ts";
import { DropLog } from "./drop-log.ts";
import { Host } from "./host/host.ts";
import type { Command, LoopMessage, SessionSnapshot } from "./loop/commands.ts";
import { Engine, type ReadyMessage } from "./loop/engine.ts";
import { declareMetrics } from "./metrics.ts";
import { type PeerInfo, TelemetryBook } from "./telemetry.ts";

export interface NodeRole {
  /** UDP port of the loop; 0 on clients. */
  readonly port: number;
  readonly peers: () => readonly PeerInfo[];
  readonly refused: () => ReadonlyMap<RefusalReason, number>;
  readonly onLoopMessage: (message: Extract<LoopMessage, { kind: "event" | "link-lost" | "link-back" }>) => void;
  /** About once a second: what the peers are to be told. */
  readonly sendReports: (sessions: readonly SessionSnapshot[]) => void;
}

export class DataplaneNode {
  readonly context: ServiceContext;
  readonly host: Host;
  readonly #role: NodeRole;
  readonly #engine: Engine;
  readonly #telemetry = new TelemetryBook();
  readonly #drops: DropLog;
  #snapshots = 0;

  constructor(context: ServiceContext, thread: Worker, role: NodeRole) {
    this.context = context;
    this.#role = role;
    const { config, events, log } = context;
    const device = config.tunnel.interface;
    this.#drops = new DropLog((text, fields) => log.warn(fields, text));
    this.host = new Host({
      device,
      role: config.role,
      directory: stateDirectory(context),
      onWarning: (code, text) => events.publish("warning", code, text),
    });
    this.#engine = new Engine(thread, {
      role: config.role,
      device,
      port: role.port,
      onMessage: (message) => this.#handle(message),
      onFailure: (error) => {
        context.log.fatal({ err: error }, "the forwarding loop failed, the service ends and is started again");
        process.exit(1);
      },
    });
    declareMetrics(context.metrics, {
      telemetry: () => this.#telemetry.latest,
      counters: () => this.#engine.counters(),
      refused: role.refused,
    });
    this.#serveTelemetry();
    context.onShutdown(() => this.#engine.stop(true));
  }

  /** Resolves when device and port are open. Rejects with an error for the operator. */
  async start(): Promise<void> {
    const { context } = this;
    const { device, port, offloads } = await this.ready();
    context.log.info({ device, port, offloads }, "forwarding loop runs");
  }

  /** Resolves when the device is there. */
  ready(): Promise<ReadyMessage> {
    return this.#engine.ready().catch((cause: Error & { code?: string }) => {
      throw new StartError(cause.code ?? "loop-failed", cause.message, cause);
    });
  }

  post(command: Command): void {
    this.#engine.post(command);
  }

  get telemetry(): telemetry.PathTelemetry {
    return this.#telemetry.latest;
  }

  #handle(message: Exclude<LoopMessage, { kind: "ready" | "stopped" }>): void {
    switch (message.kind) {
      case "snapshot":
        this.#publish(message.sessions);
        return;
      case "notice":
        this.context.log.warn({ code: message.code }, message.text);
        return;
      default:
        this.#role.onLoopMessage(message);
    }
  }

  #publish(sessions: readonly SessionSnapshot[]): void {
    const { bus, config } = this.context;
    const latest = this.#telemetry.update(sessions, this.#role.peers(), Date.now());
    bus.publish(subjects(config.node).pathTelemetry, telemetry.PathTelemetry, latest);
    this.#drops.update(this.#engine.counters().drops, performance.now());
    this.#snapshots += 1;
    if (this.#snapshots % SNAPSHOTS_PER_REPORT === 0) this.#role.sendReports(sessions);
  }

  #serveTelemetry(): void {
    const implementation: internal.DataplaneServer = {
      getTelemetry: (_call, callback) => callback(null, this.#telemetry.latest),
    };
    this.context.grpc.add(internal.DataplaneService, implementation);
  }
}

/** Snapshots come twice a second. */
const SNAPSHOTS_PER_REPORT = 2;

/** Where the dataplane keeps what it must know after a crash. */
export function stateDirectory(context: ServiceContext): string {
  return join(context.config.state_dir, "dataplane");
}
