/** The dataplane of a server: any number of clients, each with a session of its own, behind one port. */

import { watch } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Worker } from "node:worker_threads";
import { BUCKETS, CURRENT, plan } from "@edgebos/proto";
import { readClients, type ServiceContext, StartError, stateFiles, VERSION } from "@edgebos/service";
import { AddressPool, parsePools } from "./control/address-pool.ts";
import type { KnownClient } from "./control/admission.ts";
import { ownCiphers } from "./control/ciphers.ts";
import { readIdentityFile } from "./control/identity.ts";
import { ControlListener } from "./control/listener.ts";
import { RefusalLog } from "./control/refusal-log.ts";
import { ServerSessions } from "./control/server-sessions.ts";
import { innerMtuBytes } from "./host/commands.ts";
import type { LoopMessage, SessionSnapshot } from "./loop/commands.ts";
import { DataplaneNode, stateDirectory } from "./node.ts";
import { planOfPeer } from "./plan.ts";
import { type PeerInfo, pathReports } from "./telemetry.ts";

export async function startServer(context: ServiceContext, thread: Worker): Promise<void> {
  const server = new ServerDataplane(context, thread);
  await server.start();
}

/** MTU of the way between server and clients unless configured: Ethernet's. */
const UPLINK_MTU_BYTES = 1500;
const TICK_MS = 1000;
/** Editors and `client add` write in several steps. */
const LIST_SETTLE_MS = 50;

class ServerDataplane {
  readonly #context: ServiceContext;
  readonly #node: DataplaneNode;
  readonly #pool: AddressPool;
  readonly #sessions: ServerSessions;
  readonly #refusals: RefusalLog;
  readonly #clientsFile: string;
  readonly #mtuBytes: number;
  #clients: readonly KnownClient[] = [];
  #plan: plan.ForwardingPlan | undefined;

  constructor(context: ServiceContext, thread: Worker) {
    const { config, log } = context;
    this.#context = context;
    this.#clientsFile = stateFiles(config.state_dir).clients;
    this.#mtuBytes = config.tunnel.mtu > 0 ? config.tunnel.mtu : innerMtuBytes(UPLINK_MTU_BYTES, 4);
    this.#pool = openPool(context);
    this.#refusals = new RefusalLog((text, fields) => log.warn(fields, text));
    this.#sessions = new ServerSessions({
      pool: this.#pool,
      mtuBytes: this.#mtuBytes,
      software: `edgebos ${VERSION}`,
      ownCiphers: ownCiphers(),
      clients: () => this.#readClients(),
      post: (command) => this.#node.post(command),
      planOf: (peer) => planOfPeer(this.#plan, peer),
      onRefused: (reason, remote, text) => this.#refusals.add(reason, remote, text, performance.now()),
      onEvent: (severity, code, text, fields) => context.events.publish(severity, code, text, fields),
    });
    this.#node = new DataplaneNode(context, thread, {
      port: config.server.port,
      peers: () => this.#peers(),
      refused: () => this.#refusals.counts,
      onLoopMessage: (message) => this.#handleLoop(message),
      sendReports: (sessions) => this.#sendReports(sessions),
    });
  }

  async start(): Promise<void> {
    const context = this.#context;
    context.health.set("tunnel", false, "starting");
    await this.#node.start();
    context.onShutdown(() => this.#node.host.remove());
    await this.#configureHost();
    await this.#listen();
    context.bus.watch(BUCKETS.plan, plan.ForwardingPlan, (key, value) => {
      if (key !== CURRENT || value === undefined) return;
      this.#plan = value;
      this.#sessions.applyPlan();
    });
    this.#watchClients();
    const timer = setInterval(() => this.#sessions.tick(performance.now()), TICK_MS);
    context.onShutdown(() => clearInterval(timer));
    context.health.set("tunnel", true, `listening on port ${context.config.server.port}`);
  }

  async #configureHost(): Promise<void> {
    const { tunnel, routing } = this.#context.config;
    const { host } = this.#node;
    const { pools, server } = this.#pool;
    const device = tunnel.interface;
    await host.configureDevice({
      device,
      mtuBytes: this.#mtuBytes,
      v4: { address: server.v4, prefix: pools.v4.length },
      v6: { address: server.v6, prefix: pools.v6.length },
    });
    host.enableForwarding();
    host.loosenReversePathFilter([device]);
    await host.configureFilter({
      kind: "server",
      device,
      poolV4: pools.v4.text,
      poolV6: pools.v6.text,
      uplink: routing.uplink,
      masquerade: routing.masquerade,
    });
  }

  async #listen(): Promise<void> {
    const { config, onShutdown } = this.#context;
    const { security } = config;
    const { port } = config.server;
    const listener = new ControlListener({
      port,
      certificate: readIdentityFile("security.certificate", security.certificate),
      key: readIdentityFile("security.key", security.key),
      ca: readIdentityFile("security.ca", security.ca),
      clients: () => this.#readClients(),
      onClient: (client) => this.#sessions.admit(client),
      onRefused: (reason, remote, text) => this.#refusals.add(reason, remote, text, performance.now()),
    });
    await listener.listen().catch((cause: unknown) => {
      throw StartError.listen("server.port", `port ${port}`, cause);
    });
    onShutdown(() => {
      this.#sessions.close();
      listener.close();
    });
  }

  /** The list as it is; the last good one where it cannot be read, so that a slip of the pen disconnects nobody. */
  #readClients(): readonly KnownClient[] {
    try {
      this.#clients = readClients(this.#clientsFile).map(({ name, fingerprint_sha256 }) => ({
        name,
        fingerprintSha256: fingerprint_sha256,
      }));
      this.#context.health.set("clients", true, `${this.#clients.length} clients`);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#context.health.set("clients", false, text);
      this.#context.log.error({ file: this.#clientsFile }, text);
    }
    return this.#clients;
  }

  #watchClients(): void {
    let timer: NodeJS.Timeout | undefined;
    const watcher = watch(dirname(this.#clientsFile), (_event, name) => {
      if (name !== basename(this.#clientsFile)) return;
      clearTimeout(timer);
      timer = setTimeout(() => this.#sessions.revoke(), LIST_SETTLE_MS);
    });
    watcher.on("error", (error) => this.#context.log.warn({ err: error }, "the list of clients is not watched"));
    this.#context.onShutdown(() => watcher.close());
  }

  #handleLoop(message: Extract<LoopMessage, { kind: "event" | "link-lost" | "link-back" }>): void {
    if (message.kind !== "event") return;
    const session = this.#sessions.bySession(message.session);
    if (session === undefined) return;
    const { event } = message;
    const { name } = session.options;
    if (event.kind === "rekey-due") session.rekey();
    else this.#context.log.info({ client: name, path: event.path }, event.kind.replace("-", " is "));
  }

  #sendReports(sessions: readonly SessionSnapshot[]): void {
    for (const snapshot of sessions) this.#sessions.bySession(snapshot.session)?.sendReport(pathReports(snapshot));
  }

  #peers(): PeerInfo[] {
    return [...this.#sessions.all()].map((session) => ({
      session: session.options.session,
      peer: session.options.name,
      connected: session.connection !== undefined,
      sinceMs: session.sinceMs,
      innerV4: session.options.addresses.v4,
      innerV6: session.options.addresses.v6,
      epoch: session.epoch,
      reports: session.reports,
    }));
  }
}

function openPool(context: ServiceContext): AddressPool {
  const { pool_ipv4, pool_ipv6 } = context.config.tunnel;
  try {
    return new AddressPool(parsePools(pool_ipv4, pool_ipv6), join(stateDirectory(context), "addresses.json"));
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new StartError("pool-invalid", `${text}: change tunnel.pool_ipv4 or tunnel.pool_ipv6`, cause);
  }
}
