/** The dataplane of a client: one session with its server, over every link that linkmon finds. */

import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { BUCKETS, CURRENT, type control, link, plan } from "@edgebos/proto";
import { type Config, type ServiceContext, VERSION } from "@edgebos/service";
import { ClientPaths } from "./client-paths.ts";
import { ownCiphers } from "./control/ciphers.ts";
import { ControlClient, type ControlState } from "./control/client.ts";
import type { Dialled, DialOptions } from "./control/dial.ts";
import type { Message } from "./control/framing.ts";
import { readIdentityFile } from "./control/identity.ts";
import { lookupFrom, ServerResolver, systemLookup } from "./control/resolve.ts";
import type { LoopMessage, SessionSnapshot } from "./loop/commands.ts";
import { DataplaneNode, stateDirectory } from "./node.ts";
import { configuredPolicy } from "./plan.ts";
import { RememberedState } from "./remembered.ts";
import { type PeerInfo, pathReports } from "./telemetry.ts";

export async function startClient(context: ServiceContext, thread: Worker): Promise<void> {
  const client = new ClientDataplane(context, thread);
  await client.start();
}

class ClientDataplane {
  readonly #context: ServiceContext;
  readonly #node: DataplaneNode;
  readonly #control: ControlClient;
  readonly #resolver: ServerResolver;
  readonly #paths: ClientPaths;
  readonly #remembered: RememberedState;
  readonly #reports = new Map<number, { capacityBps: number; lossPpm: number }>();
  #config: Config;
  #welcome: control.Welcome | undefined;
  #state: ControlState = { kind: "dialling", reason: "starting" };

  constructor(context: ServiceContext, thread: Worker) {
    const { config } = context;
    const directory = stateDirectory(context);
    this.#context = context;
    this.#config = config;
    this.#remembered = new RememberedState(directory);
    this.#resolver = new ServerResolver({
      host: config.server.host,
      file: join(directory, "server.json"),
      lookups: () => [systemLookup, ...this.#paths.book.all().map(({ addresses }) => lookupFrom(addresses))],
    });
    this.#control = new ControlClient({
      dialOptions: () => this.#dialOptions(),
      ciphers: ownCiphers(),
      algorithm: () => this.#paths.algorithm(),
      software: `edgebos ${VERSION}`,
      post: (command) => this.#node.post(command),
      onWelcome: (welcome, dialled) => this.#enter(welcome, dialled),
      onMessage: (message) => this.#handle(message),
      onState: (state) => this.#tell(state),
    });
    this.#node = new DataplaneNode(context, thread, {
      port: 0,
      peers: () => [this.#peer()],
      refused: () => new Map(),
      onLoopMessage: (message) => this.#handleLoop(message),
      sendReports: (sessions) => this.#sendReports(sessions),
    });
    this.#paths = new ClientPaths({
      serverPort: config.server.port,
      control: this.#control,
      configuredPolicy: () => configuredPolicy(this.#config.bonding),
      post: (command) => this.#node.post(command),
      onChange: (book) => {
        this.#remembered.saveLinks(book.all());
        this.#node.host.loosenReversePathFilter(book.wanted().map(({ socket }) => socket.device));
      },
    });
  }

  async start(): Promise<void> {
    const context = this.#context;
    context.health.set("tunnel", false, "no session yet");
    context.health.set("host", false, "addresses and routes are not set yet");
    this.#readIdentity();
    this.#paths.remember(this.#remembered.links(), this.#remembered.plan());
    context.onShutdown(() => this.#node.host.remove());
    context.onShutdown(() => this.#control.stop());
    context.onConfigChange((config) => this.#reconfigure(config));
    context.bus.watch(BUCKETS.links, link.Link, (name, value) => this.#setLink(name, value));
    context.bus.watch(BUCKETS.plan, plan.ForwardingPlan, (key, value) => {
      if (key !== CURRENT || value === undefined) return;
      this.#remembered.savePlan(value);
      this.#paths.setPlan(value);
    });
    // The loop keeps what it is told until it runs, so the server is dialled meanwhile.
    void this.#control.run();
    await this.#node.start();
  }

  async #dialOptions(): Promise<Omit<DialOptions, "signal">> {
    const { server } = this.#context.config;
    this.#paths.setServer(await this.#resolver.resolve());
    return {
      candidates: this.#paths.book.candidates((name) => this.#rank(name)),
      port: server.port,
      serverName: server.host,
      ...this.#readIdentity(),
    };
  }

  /** Read for each dial, so that renewed certificates are used. */
  #readIdentity(): Pick<DialOptions, "certificate" | "key" | "ca"> {
    const { security } = this.#context.config;
    return {
      certificate: readIdentityFile("security.certificate", security.certificate),
      key: readIdentityFile("security.key", security.key),
      ca: readIdentityFile("security.ca", security.ca),
    };
  }

  /** Links that answer first, the quickest first; then those of which nothing is known. */
  #rank(name: string): number {
    const sample = this.#node.telemetry.paths.find((path) => path.link === name);
    return sample === undefined || sample.srttUs === 0 ? Number.MAX_SAFE_INTEGER : sample.srttUs;
  }

  #enter(welcome: control.Welcome, dialled: Dialled): void {
    this.#welcome = welcome;
    this.#reports.clear();
    this.#paths.announceAll();
    this.#configureHost(welcome).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      this.#context.health.set("host", false, text);
      this.#context.events.publish("error", "host-setup-failed", text);
    });
    const how = welcome.resumed ? "resumed" : "begun";
    const { link: via } = dialled.candidate;
    this.#context.events.publish("info", `session-${how}`, `session with the server ${how} over ${via}`, { link: via });
  }

  /** Addresses first, then what leads traffic there. Routes stay from the first session until the service stops. */
  async #configureHost(welcome: control.Welcome): Promise<void> {
    const { tunnel, routing } = this.#context.config;
    const { host } = this.#node;
    const device = tunnel.interface;
    await this.#node.ready();
    const automatic = Math.min(this.#paths.book.innerMtuBytes(), welcome.mtuBytes || Number.POSITIVE_INFINITY);
    await host.configureDevice({
      device,
      mtuBytes: tunnel.mtu > 0 ? tunnel.mtu : automatic,
      v4: { address: welcome.innerV4, prefix: welcome.prefixV4 },
      v6: { address: welcome.innerV6, prefix: welcome.prefixV6 },
    });
    host.loosenReversePathFilter([device, ...this.#paths.book.wanted().map(({ socket }) => socket.device)]);
    const { masquerade } = routing;
    await host.configureFilter({
      kind: "client",
      device,
      innerV4: welcome.innerV4,
      innerV6: welcome.innerV6,
      masquerade,
    });
    if (masquerade) host.enableForwarding();
    const { v4, v6 } = this.#paths.book.server;
    await host.configureRoutes({
      device,
      mode: routing.mode,
      routes: routing.routes,
      serverAddresses: [...v4, ...v6],
    });
    this.#context.health.set("host", true, "addresses, routes and packet filter are set");
  }

  #setLink(name: string, value: link.Link | undefined): void {
    this.#remembered.confirm(name, () => this.#dropUnconfirmed());
    this.#paths.setLink(name, value);
  }

  /** Links of an earlier run that linkmon does not know any more. */
  #dropUnconfirmed(): void {
    for (const { name } of this.#paths.book.all()) {
      if (!this.#remembered.isConfirmed(name)) this.#paths.setLink(name, undefined);
    }
  }

  #reconfigure(config: Config): void {
    this.#config = config;
    this.#paths.applyPlan();
  }

  #handle(message: Message): void {
    if (message.$case !== "linkReport") return;
    for (const { pathId, capacityBps, lossPpm } of message.value.paths)
      this.#reports.set(pathId, { capacityBps, lossPpm });
  }

  #handleLoop(message: Extract<LoopMessage, { kind: "event" | "link-lost" | "link-back" }>): void {
    if (message.kind === "event") {
      this.#handleBondEvent(message.event);
      return;
    }
    const name = this.#paths.book.nameOf(message.path) ?? String(message.path);
    if (message.kind === "link-lost") {
      this.#paths.block(message.path, message.reason);
      this.#context.events.publish("warning", "link-lost", `${name} is not used: ${message.reason}`, { link: name });
    } else {
      this.#paths.unblock(message.path);
      this.#context.events.publish("info", "link-back", `${name} is used again`, { link: name });
    }
  }

  #handleBondEvent(event: Extract<LoopMessage, { kind: "event" }>["event"]): void {
    const { log } = this.#context;
    switch (event.kind) {
      case "rekey-due":
        this.#control.requestRekey();
        return;
      case "path-up":
        log.info({ link: this.#paths.book.nameOf(event.path), rttMs: event.srttUs / 1000 }, "path is up");
        return;
      case "path-stalled":
        log.info(
          { link: this.#paths.book.nameOf(event.path), inFlightBytes: event.inFlightBytes },
          "path does not answer",
        );
        return;
      case "path-moved":
        return;
    }
  }

  #sendReports(sessions: readonly SessionSnapshot[]): void {
    const own = sessions.find(({ session }) => session === this.#control.session);
    if (own !== undefined) this.#control.send({ $case: "linkReport", value: { paths: pathReports(own) } });
  }

  #tell(state: ControlState): void {
    const { health, log } = this.#context;
    if (JSON.stringify(state) !== JSON.stringify(this.#state)) {
      if (state.kind === "refused") log.error({ code: state.code }, `the server refuses this client: ${state.reason}`);
      else if (state.kind === "dialling") log.warn({ reason: state.reason }, "no control connection to the server");
      else log.info({ link: state.link, server: state.remote }, "control connection is up");
    }
    this.#state = state;
    if (state.kind === "connected") health.set("tunnel", true, `session with ${state.remote}`);
    else health.set("tunnel", false, state.reason);
  }

  #peer(): PeerInfo {
    return {
      session: this.#control.session,
      peer: "server",
      connected: this.#control.connected,
      sinceMs: this.#control.sinceMs,
      innerV4: this.#welcome?.innerV4 ?? "",
      innerV6: this.#welcome?.innerV6 ?? "",
      epoch: this.#control.epoch,
      reports: this.#reports,
    };
  }
}
