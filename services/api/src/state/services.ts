import { internal, type link, type management, type plan, type telemetry } from "@edgebos/proto";
import { type Config, SERVICES, type ServiceName, serviceSocket } from "@edgebos/service";
import { Client, credentials, Metadata } from "@grpc/grpc-js";

/** How long a service may take to answer; it is on this machine and has the answer at hand. */
const ANSWER_WITHIN_MS = 400;
/** Answers younger than this are given again rather than asked for. */
const FRESH_MS = 1000;
/** A service that is started again must be found again soon: gRPC's own back-off goes up to two minutes. */
const CHANNEL_OPTIONS = {
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 500,
  "grpc.enable_http_proxy": 0,
};

/** Asks the other services over their Unix sockets. A service that does not answer is an answer too: nothing here throws. */
export class Services {
  readonly #config: Config;
  readonly #self: () => management.ServiceStatus;
  readonly #clients = new Map<string, Client>();
  #statuses: { readonly atMs: number; readonly answers: Promise<management.ServiceStatus[]> } | undefined;

  /** `self` is this service's own status. */
  constructor(config: Config, self: () => management.ServiceStatus) {
    this.#config = config;
    this.#self = self;
  }

  /** All four services, in the order in which they are started. */
  statuses(nowMs: number): Promise<management.ServiceStatus[]> {
    if (this.#statuses === undefined || nowMs - this.#statuses.atMs >= FRESH_MS) {
      const answers = Promise.all(SERVICES.map((name) => (name === "api" ? this.#self() : this.#status(name))));
      this.#statuses = { atMs: nowMs, answers };
    }
    return this.#statuses.answers;
  }

  telemetry(): Promise<telemetry.PathTelemetry | undefined> {
    return this.#ask("dataplane", internal.DataplaneService.getTelemetry, {});
  }

  async links(): Promise<readonly link.Link[] | undefined> {
    return (await this.#ask("linkmon", internal.LinkMonitorService.getLinks, {}))?.links;
  }

  plan(): Promise<plan.ForwardingPlan | undefined> {
    return this.#ask("scheduler", internal.SchedulerService.getPlan, {});
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  async #status(name: ServiceName): Promise<management.ServiceStatus> {
    const info = await this.#ask(name, internal.ServiceInfoService.getInfo, {});
    if (info === undefined) {
      return { name, healthy: false, detail: "does not answer", pid: 0, startedMs: 0, rssBytes: 0 };
    }
    const { healthy, detail, pid, startedMs, rssBytes } = info;
    return { name, healthy, detail, pid, startedMs, rssBytes };
  }

  #ask<Request, Response>(
    service: ServiceName,
    method: Method<Request, Response>,
    request: Request,
  ): Promise<Response | undefined> {
    const options = { deadline: Date.now() + ANSWER_WITHIN_MS };
    return new Promise((resolve) => {
      this.#client(service).makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata(),
        options,
        (error, response) => resolve(error === null ? response : undefined),
      );
    });
  }

  #client(service: ServiceName): Client {
    let client = this.#clients.get(service);
    if (client === undefined) {
      const address = `unix:${serviceSocket(this.#config, service)}`;
      client = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
      this.#clients.set(service, client);
    }
    return client;
  }
}

interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}
