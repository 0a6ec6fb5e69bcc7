/** One client's session at the server: its control connection while there is one, its paths and plan, its epochs. */

import type { CipherName } from "@edgebos/linux-io";
import type { control } from "@edgebos/proto";
import type { Algorithm, BondPolicy, PathId, PathPlan } from "@edgebos/tunnel";
import { parseAddress } from "../host/addresses.ts";
import { outerHeaderBytes } from "../host/commands.ts";
import type { Command } from "../loop/commands.ts";
import { bondPlan, mergedPathPlan, mergedPolicy, type PeerPlan, pathPlanOf, policyOf } from "../plan.ts";
import type { InnerAddresses } from "./address-pool.ts";
import type { ControlConnection } from "./connection.ts";
import type { Message } from "./framing.ts";

export interface ServerSessionOptions {
  readonly name: string;
  readonly fingerprintSha256: string;
  /** Number that the client writes into its datagrams. */
  readonly session: number;
  /** Number that we write into ours. */
  readonly remoteSession: number;
  readonly cipher: CipherName;
  readonly addresses: InnerAddresses;
  readonly post: (command: Command) => void;
  /** The server's own plan for this client, by link name. */
  readonly ownPlan: () => PeerPlan;
  readonly onLost: (reason: string) => void;
  readonly onGoodbye: (reason: string) => void;
}

/** What the client says of its sending direction on a path. */
export interface PeerPathReport {
  readonly capacityBps: number;
  readonly lossPpm: number;
}

export class ServerSession {
  readonly options: ServerSessionOptions;
  readonly sinceMs = Date.now();
  readonly reports = new Map<number, PeerPathReport>();
  /** When the control connection was lost, by `performance.now()`; undefined while there is one. */
  lostAtMs: number | undefined;
  lastHeardMs = 0;
  #epoch = 0;
  #epochSinceMs = 0;
  #connection: ControlConnection | undefined;
  #policy: BondPolicy = { algorithm: "adaptive" };
  readonly #paths = new Map<PathId, { name: string; plan: PathPlan }>();

  constructor(options: ServerSessionOptions) {
    this.options = options;
    options.post({
      kind: "open-session",
      session: options.session,
      remoteSession: options.remoteSession,
      cipher: options.cipher,
      host: options.addresses.host,
      innerV4: parseAddress(options.addresses.v4),
      innerV6: parseAddress(options.addresses.v6),
    });
  }

  get epoch(): number {
    return this.#epoch;
  }

  get connection(): ControlConnection | undefined {
    return this.#connection;
  }

  /** Milliseconds for which the newest epoch has been in use. */
  epochAgeMs(nowMs: number): number {
    return nowMs - this.#epochSinceMs;
  }

  /** Makes `connection` the session's, with keys of a new epoch, before the Welcome that `welcome` makes of the epoch's number. */
  attach(connection: ControlConnection, algorithm: Algorithm | undefined, welcome: (epoch: number) => Message): void {
    const previous = this.#connection;
    this.#connection = connection;
    this.lostAtMs = undefined;
    this.lastHeardMs = performance.now();
    if (algorithm !== undefined) this.#policy = { ...this.#policy, algorithm };
    previous?.close("replaced by a newer connection");
    this.#startEpoch(connection);
    connection.open({
      onMessage: (message) => this.#handle(message),
      onClose: (reason) => this.#lose(connection, reason),
    });
    connection.send(welcome(this.#epoch));
    this.applyPlan();
  }

  /** Keys of a new epoch within the connection; without one, the next connection brings them. */
  rekey(): void {
    if (this.#connection === undefined) return;
    this.#startEpoch(this.#connection);
    this.#connection.send({ $case: "rekey", value: { epoch: this.#epoch } });
  }

  /** Ends the session for good. */
  end(farewell: Message, reason: string): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.closeAfter(farewell, reason);
    this.options.post({ kind: "close-session", session: this.options.session });
  }

  /** To be called when the server's own plan changed. */
  applyPlan(): void {
    const own = this.options.ownPlan();
    const names = [...this.#paths].map(([id, { name }]) => [id, name] as const);
    const merged = new Map(
      [...this.#paths.values()].map(({ name, plan }) => [name, mergedPathPlan(plan, own.links.get(name))]),
    );
    this.options.post({
      kind: "apply-plan",
      session: this.options.session,
      plan: bondPlan(mergedPolicy(this.#policy, own.policy), names, merged),
    });
  }

  sendReport(paths: control.PathReport[]): void {
    if (paths.length > 0) this.#connection?.send({ $case: "linkReport", value: { paths } });
  }

  #startEpoch(connection: ControlConnection): void {
    this.#epoch += 1;
    this.#epochSinceMs = performance.now();
    const keys = connection.epochKeys(this.#epoch);
    this.options.post({
      kind: "install-keys",
      session: this.options.session,
      epoch: this.#epoch,
      sendKey: keys.serverToClient,
      receiveKey: keys.clientToServer,
    });
  }

  #handle(message: Message): void {
    this.lastHeardMs = performance.now();
    switch (message.$case) {
      case "pathOpen":
        this.#openPath(message.value);
        return;
      case "pathUpdate":
        this.#updatePath(message.value);
        return;
      case "pathSuspend":
        this.options.post({ kind: "suspend-path", session: this.options.session, path: message.value.pathId });
        return;
      case "linkReport":
        for (const { pathId, capacityBps, lossPpm } of message.value.paths) {
          if (this.#paths.has(pathId as PathId)) this.reports.set(pathId, { capacityBps, lossPpm });
        }
        return;
      case "rekey":
        if (message.value.epoch === this.#epoch + 1) this.rekey();
        return;
      case "ping":
        this.#connection?.send({ $case: "pong", value: message.value });
        return;
      case "goodbye":
        this.options.onGoodbye(message.value.reason);
        return;
      default:
        // Messages of a server to a client, or of a later version.
        return;
    }
  }

  #openPath(open: control.PathOpen): void {
    if (open.pathId > MAX_PATH_ID || open.maxDatagramBytes > MAX_DATAGRAM_BYTES) return;
    const name = open.link.slice(0, MAX_NAME_LENGTH);
    this.#paths.set(open.pathId as PathId, { name, plan: pathPlanOf(open) });
    this.options.post({
      kind: "open-path",
      session: this.options.session,
      path: open.pathId,
      name,
      maxDatagramBytes: Math.max(MIN_DATAGRAM_BYTES, open.maxDatagramBytes),
      headerBytes: outerHeaderBytes(open.overIpv6 ? 6 : 4),
    });
    this.applyPlan();
  }

  #updatePath(update: control.PathUpdate): void {
    const path = this.#paths.get(update.pathId as PathId);
    if (path !== undefined) path.plan = pathPlanOf(update);
    this.#policy = policyOf(update) ?? this.#policy;
    this.applyPlan();
  }

  #lose(connection: ControlConnection, reason: string): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.lostAtMs = performance.now();
    this.options.onLost(reason);
  }
}

/** Path numbers of the protocol; 255 is reserved. */
const MAX_PATH_ID = 254;
/** Bounds of what a client may claim for its links. IPv6 carries at least 1280 bytes, a UDP datagram at most 65,507. */
const MIN_DATAGRAM_BYTES = 512;
const MAX_DATAGRAM_BYTES = 65_507;
/** IFNAMSIZ is 16; names of other systems may be longer. */
const MAX_NAME_LENGTH = 64;
