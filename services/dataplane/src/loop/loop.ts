/**
 * The forwarding loop: one thread, synchronous, never yielding to an event loop. Each turn waits for input or a deadline, then
 * runs the stages in order: commands, kernel's link news, network in, TUN in, timers, network out, snapshots.
 */

import type { EventFd, RouteSocket } from "@edgebos/linux-io";
import { type Aead, type Arena, Bond, type Micros, type PacketPool, TunnelError } from "@edgebos/tunnel";
import type { Command, LoopMessage, LoopSettings } from "./commands.ts";
import { WORK_INDEX } from "./counters.ts";
import { Inbound } from "./inbound.ts";
import { ClientRoutes, ServerRoutes } from "./inner-routes.ts";
import { type LoopIo, openServerSocket, type Udp } from "./io.ts";
import { Links } from "./links.ts";
import { Outbound } from "./outbound.ts";
import { LoopSession } from "./session.ts";
import { runBondCommand } from "./session-commands.ts";
import type { ThreadPriority } from "./thread-priority.ts";
import { Waiting } from "./waiting.ts";

export interface LoopParts {
  readonly settings: Pick<LoopSettings, "role" | "port" | "counters">;
  readonly io: LoopIo;
  readonly arena: Arena;
  readonly pool: PacketPool;
  readonly aeadOf: (cipher: "aes-256-gcm" | "chacha20-poly1305") => Aead;
  /** Readable when commands wait. */
  readonly wake: Pick<EventFd, "fd" | "clear">;
  /** The next command that waits, or undefined. */
  readonly nextCommand: () => Command | undefined;
  readonly say: (message: LoopMessage) => void;
  /** Clients watch their links by it. */
  readonly routes: RouteSocket | undefined;
  /** Told of the time ten times a second; without it the device is never left alone. */
  readonly priority?: Pick<ThreadPriority, "tick" | "isLight">;
}

export class ForwardingLoop {
  readonly #parts: LoopParts;
  readonly #counters: Float64Array;
  readonly #sessions = new Map<Bond, LoopSession>();
  readonly #byNumber = new Map<number, LoopSession>();
  /** The values of both maps, for loops without iterators. */
  #list: LoopSession[] = [];
  readonly #clientRoutes = new ClientRoutes();
  readonly #serverRoutes = new ServerRoutes();
  readonly #links: Links;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #serverSocket: Udp | undefined;
  readonly #serverSocketIndex: number;
  readonly #wakeIndex: number;
  readonly #routesIndex: number;
  /** -1 while a client has no session: the kernel keeps the packets of a short break, such as a restart. */
  #tunIndex = -1;
  readonly #waiting: Waiting;
  readonly #startedAt: Micros;
  #snapshotAt: number;
  #tickAt: number;
  #stopping: Extract<Command, { kind: "stop" }> | undefined;

  /** Throws SystemError where the server's port cannot be had. */
  constructor(parts: LoopParts) {
    const { settings, io, arena, pool, say } = parts;
    const server = settings.role === "server";
    this.#parts = parts;
    this.#counters = new Float64Array(settings.counters);
    this.#waiting = new Waiting(io, this.#counters, parts.priority);
    this.#links = new Links(io, say);
    this.#inbound = new Inbound(io, arena, pool, this.#sessions, server, this.#counters);
    const innerRoutes = server ? this.#serverRoutes : this.#clientRoutes;
    this.#serverSocket = server ? openServerSocket(io, settings.port) : undefined;
    const sockets = server ? { socketOf: () => this.#serverSocket, onSendError: () => undefined } : this.#links;
    this.#outbound = new Outbound(io, arena, pool, innerRoutes, sockets, this.#counters);
    this.#wakeIndex = io.poller.add(parts.wake.fd);
    if (server) this.#tunIndex = io.poller.add(io.tun.fd);
    this.#routesIndex = parts.routes === undefined ? -1 : io.poller.add(parts.routes.fd);
    io.restPoller.add(parts.wake.fd);
    if (parts.routes !== undefined) io.restPoller.add(parts.routes.fd);
    this.#serverSocketIndex = this.#serverSocket === undefined ? -1 : io.poller.add(this.#serverSocket.fd);
    this.#startedAt = io.now();
    this.#snapshotAt = this.#startedAt;
    this.#tickAt = this.#startedAt;
  }

  get port(): number {
    return this.#serverSocket?.port ?? 0;
  }

  /** Runs until a `stop` command; returns it. */
  run(): { readonly removeDevice: boolean } {
    let again = false;
    while (this.#stopping === undefined) {
      if (again) this.#parts.io.poller.wait(0);
      else this.#waiting.until(this.#dueAt());
      again = this.turn();
    }
    for (const session of this.#list.slice()) this.#close(session);
    this.#links.close();
    if (this.#serverSocket !== undefined) this.#parts.io.closeUdp(this.#serverSocket);
    return this.#stopping;
  }

  /** One turn after the poller's wait. Returns whether a stage left work behind. */
  turn(): boolean {
    const { io, wake } = this.#parts;
    this.#counters[WORK_INDEX.iterations]!++;
    if (io.poller.readable(this.#wakeIndex)) {
      wake.clear();
      this.#runCommands();
    }
    if (this.#routesIndex >= 0 && io.poller.readable(this.#routesIndex)) this.#handleRouteEvents();
    const deliveredBefore = this.#counters[WORK_INDEX["tun-packets-out"]]!;
    let again = this.#receive();
    if (this.#hasTunInput(deliveredBefore) && this.#outbound.pump(this.#waiting.isBusy)) again = true;
    const now = io.now();
    if (this.#serve(now)) again = true;
    this.#waiting.handleTurn(now);
    if (now >= this.#tickAt || this.#links.hasFailed) this.#tick(now);
    if (now >= this.#snapshotAt) this.#snapshot(now);
    return again;
  }

  /** The kernel answers a ping, or acknowledges, within the write of what it answers: a look is quicker than a wait. A busy loop looks soon anyway. */
  #hasTunInput(deliveredBefore: number): boolean {
    if (this.#tunIndex < 0) return false;
    if (this.#parts.io.poller.readable(this.#tunIndex)) return true;
    return !this.#waiting.isBusy && this.#counters[WORK_INDEX["tun-packets-out"]]! > deliveredBefore;
  }

  #dueAt(): number {
    let at = Math.min(this.#snapshotAt, this.#tickAt);
    for (const session of this.#list) at = Math.min(at, session.deadline);
    return at;
  }

  #receive(): boolean {
    const { poller } = this.#parts.io;
    const server = this.#serverSocket;
    let again = false;
    if (server !== undefined) return poller.readable(this.#serverSocketIndex) && this.#inbound.pump(server);
    const links = this.#links;
    for (let path = 0; path < links.pathsEnd; path++) {
      const udp = links.socketOf(path);
      if (udp !== undefined && poller.readable(links.pollIndexOf(path)) && this.#inbound.pump(udp)) again = true;
    }
    return again;
  }

  /** Timers, deliveries and sends of each session that had input or whose time has come. */
  #serve(now: Micros): boolean {
    let again = false;
    for (let i = 0; i < this.#list.length; i++) {
      const session = this.#list[i]!;
      const due = now >= session.deadline;
      if (!due && !session.touched) continue;
      const { bond } = session;
      if (due) bond.handleTimeout(now);
      this.#inbound.deliver(session, now);
      session.touched = this.#outbound.transmit(session, now);
      if (session.touched) again = true;
      for (let event = bond.pollEvent(); event !== undefined; event = bond.pollEvent()) {
        if (event.kind === "rekey-due") {
          if (now - session.rekeyToldAt < REKEY_REMINDER_US) continue;
          session.rekeyToldAt = now;
        }
        this.#parts.say({ kind: "event", session: session.number, event });
      }
      session.deadline = bond.pollTimeout();
    }
    this.#inbound.flush();
    return again;
  }

  #tick(now: Micros): void {
    this.#tickAt = now + TICK_US;
    this.#parts.priority?.tick(now);
    const failed = this.#links.hasFailed;
    this.#links.tick(now);
    if (failed) this.#touchAll();
  }

  #handleRouteEvents(): void {
    const { routes, io } = this.#parts;
    const now = io.now();
    routes?.drain((event) => {
      if (event.kind !== "overrun") return this.#links.handleRouteEvent(event, now);
      for (const link of routes.links()) this.#links.handleRouteEvent({ kind: "link", link }, now);
    });
    this.#touchAll();
  }

  #runCommands(): void {
    const { nextCommand, io } = this.#parts;
    for (let command = nextCommand(); command !== undefined; command = nextCommand()) this.#tryRun(command, io.now());
    this.#touchAll();
  }

  /** What a peer asked for and cannot have (no buffer for one more path) concerns that peer alone. */
  #tryRun(command: Command, now: Micros): void {
    try {
      this.#run(command, now);
    } catch (error) {
      if (!(error instanceof TunnelError)) throw error;
      this.#parts.say({ kind: "notice", code: error.code, text: `${command.kind}: ${error.message}` });
    }
  }

  #run(command: Command, now: Micros): void {
    switch (command.kind) {
      case "open-session":
        this.#open(command, now);
        return;
      case "set-link":
        this.#links.set(command.link, now);
        return;
      case "drop-link":
        this.#links.drop(command.path, now);
        return;
      case "stop":
        this.#stopping = command;
        return;
      default: {
        const session = this.#byNumber.get(command.session);
        if (session === undefined) return;
        if (command.kind === "close-session") this.#close(session);
        else runBondCommand(session.bond, command, now);
      }
    }
  }

  #open(command: Extract<Command, { kind: "open-session" }>, now: Micros): void {
    const { settings, pool, aeadOf } = this.#parts;
    const client = settings.role === "client";
    for (const session of this.#list.slice()) if (client || session.number === command.session) this.#close(session);
    const bond = new Bond(pool, aeadOf(command.cipher), {
      role: settings.role,
      localSession: command.session,
      remoteSession: command.remoteSession,
      seed: (command.session ^ command.remoteSession) >>> 0,
    });
    const session = new LoopSession(command.session, bond, {
      host: command.host,
      v4: command.innerV4,
      v6: command.innerV6,
    });
    this.#sessions.set(bond, session);
    this.#byNumber.set(session.number, session);
    this.#list = [...this.#sessions.values()];
    this.#inbound.table.add(session.number, bond);
    if (client) this.#enterClientSession(session, now);
    else this.#serverRoutes.add(session, command.innerV4, command.innerV6);
  }

  /** Packets that the kernel kept before the first session are still wanted if that was not long ago. */
  #enterClientSession(session: LoopSession, now: Micros): void {
    if (this.#tunIndex < 0) {
      if (now - this.#startedAt > STALE_US) this.#outbound.discard();
      this.#tunIndex = this.#parts.io.poller.add(this.#parts.io.tun.fd);
    }
    this.#clientRoutes.session = session;
    this.#links.use(session.bond, now);
  }

  #close(session: LoopSession): void {
    this.#inbound.flush();
    this.#inbound.table.remove(session.number);
    this.#sessions.delete(session.bond);
    this.#byNumber.delete(session.number);
    this.#list = [...this.#sessions.values()];
    this.#serverRoutes.remove(session);
    this.#clientRoutes.session = undefined;
    session.bond.close();
  }

  #touchAll(): void {
    for (const session of this.#list) session.touched = true;
  }

  #snapshot(now: Micros): void {
    const { arena, say } = this.#parts;
    this.#snapshotAt = now + SNAPSHOT_US;
    const sessions = this.#list.map((session) => session.snapshot(arena));
    this.#waiting.answers.setPaths(sessions.flatMap(({ paths }) => paths));
    say({ kind: "snapshot", sessions });
  }
}

const SNAPSHOT_US = 500_000;
const TICK_US = 100_000;
/** How often the main thread is told that new keys are due, until it brings some. */
const REKEY_REMINDER_US = 10_000_000;
/** Age of packets in the TUN device's queue beyond which nobody waits for them. */
const STALE_US = 3_000_000;
