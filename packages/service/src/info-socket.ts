import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { internal } from "@edgebos/proto";
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { StartError } from "./start-error.ts";

/** gRPC on a service's Unix socket: ServiceInfo, and what the service adds. */
export class InfoSocket {
  readonly #server = new Server();
  readonly #path: string;

  constructor(path: string, info: () => internal.Info) {
    this.#path = path;
    this.add(internal.ServiceInfoService, {
      getInfo: (_call, callback) => callback(null, info()),
    } satisfies internal.ServiceInfoServer as unknown as UntypedServiceImplementation);
  }

  add(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.#server.addService(definition, implementation);
  }

  async listen(): Promise<void> {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    rmSync(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.bindAsync(`unix:${this.#path}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(StartError.listen("state_dir", this.#path, error)),
      );
    });
    chmodSync(this.#path, 0o600);
  }

  close(): void {
    this.#server.forceShutdown();
    rmSync(this.#path, { force: true });
  }
}
