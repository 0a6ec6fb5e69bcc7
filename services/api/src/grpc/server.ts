import { management } from "@edgebos/proto";
import { type Endpoint, StartError } from "@edgebos/service";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { HealthImplementation, service as healthDefinition } from "grpc-health-check";
import type { Management } from "../management/management.ts";
import type { RequestMetrics } from "../observe/request-metrics.ts";
import type { Schema } from "../schema/descriptor.ts";
import { managementService } from "./management-service.ts";
import { addReflection } from "./reflection.ts";

/** Names for which grpc.health.v1 answers; the empty one stands for the server as a whole. */
const HEALTH_NAMES = ["", "edgebos.v1.Management"] as const;
const REQUEST_BYTES_ALLOWED = 256 * 1024;

export interface GrpcServerOptions {
  readonly endpoint: Endpoint;
  readonly core: Management;
  readonly schema: Schema;
  readonly metrics: RequestMetrics;
  readonly report: (method: string, error: unknown) => void;
}

/** Management, health and reflection on one port. */
export class GrpcServer {
  readonly #server = new Server({ "grpc.max_receive_message_length": REQUEST_BYTES_ALLOWED });
  readonly #health = new HealthImplementation(Object.fromEntries(HEALTH_NAMES.map((name) => [name, "NOT_SERVING"])));

  /** Starts listening. Rejects with StartError if the address cannot be used. */
  static async listen({ endpoint, core, schema, metrics, report }: GrpcServerOptions): Promise<GrpcServer> {
    const server = new GrpcServer();
    server.#server.addService(management.ManagementService, { ...managementService(core, metrics, report) });
    server.#health.addToServer(server.#server);
    addReflection(server.#server, schema, healthDefinition.Check?.requestType.fileDescriptorProtos ?? []);
    await server.#bind(endpoint);
    return server;
  }

  /** The port in use, which matters when the configured one is 0. */
  port = 0;

  setServing(serving: boolean): void {
    for (const name of HEALTH_NAMES) this.#health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  }

  close(): void {
    this.#server.forceShutdown();
  }

  async #bind({ host, port }: Endpoint): Promise<void> {
    const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(StartError.listen("listen.grpc", address, error)),
      );
    });
  }
}
