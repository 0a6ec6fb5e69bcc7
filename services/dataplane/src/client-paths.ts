/** A client's paths: the loop's sockets follow the links, the server hears of them, and both bonds have the plan. */

import { isIPv6 } from "node:net";
import type { link, plan } from "@edgebos/proto";
import type { Algorithm, BondPolicy, PathId } from "@edgebos/tunnel";
import type { ControlClient } from "./control/client.ts";
import type { ServerAddresses } from "./control/resolve.ts";
import { LinkBook, sameSocket, type WantedPath } from "./links.ts";
import type { Command, LinkSocket } from "./loop/commands.ts";
import { algorithmMessage, bondPlan, DEFAULT_PATH_PLAN, planOfPeer, roleMessage } from "./plan.ts";

export interface ClientPathsOptions {
  readonly serverPort: number;
  readonly control: Pick<ControlClient, "connected" | "session" | "send" | "leaveLink" | "wake">;
  /** Used until there is a plan. */
  readonly configuredPolicy: () => BondPolicy;
  readonly post: (command: Command) => void;
  /** Other links, or others of their addresses, are in use. */
  readonly onChange: (book: LinkBook) => void;
}

export class ClientPaths {
  readonly book: LinkBook;
  readonly #options: ClientPathsOptions;
  /** Sockets as the loop has them, by path number. */
  readonly #applied = new Map<number, LinkSocket>();
  /** Paths that the loop does not use at the moment, and why. */
  readonly #blocked = new Map<number, string>();
  #plan: plan.ForwardingPlan | undefined;

  constructor(options: ClientPathsOptions) {
    this.#options = options;
    this.book = new LinkBook(options.serverPort);
  }

  /** What an earlier run knew. */
  remember(links: readonly link.Link[], known: plan.ForwardingPlan | undefined): void {
    for (const entry of links) this.book.set(entry.name, entry);
    this.#plan = known;
  }

  setServer(addresses: ServerAddresses): void {
    this.book.setServer(addresses);
    this.#sync();
  }

  setLink(name: string, value: link.Link | undefined): void {
    this.book.set(name, value);
    this.#sync();
  }

  setPlan(value: plan.ForwardingPlan): void {
    this.#plan = value;
    this.applyPlan();
  }

  algorithm(): Algorithm {
    return this.#policy().algorithm;
  }

  /** The loop left a path by itself. */
  block(path: number, reason: string): void {
    this.#blocked.set(path, reason);
    this.#leave(path, reason);
  }

  /** The loop took a path up again. */
  unblock(path: number): void {
    this.#blocked.delete(path);
    const wanted = this.book.wanted().find(({ socket }) => socket.path === path);
    if (wanted !== undefined) this.#announce(wanted);
    if (!this.#options.control.connected) this.#options.control.wake();
  }

  /** To a server that has just said welcome. */
  announceAll(): void {
    for (const wanted of this.book.wanted()) this.#announce(wanted);
    for (const [pathId, reason] of this.#blocked) {
      this.#options.control.send({ $case: "pathSuspend", value: { pathId, reason } });
    }
    this.applyPlan();
  }

  /** To our bond, and to the server's. */
  applyPlan(): void {
    const { control, post } = this.#options;
    const { session } = control;
    if (session === 0) return;
    const paths = [...this.#applied.values()].map(({ path, name }) => [path as PathId, name] as const);
    const policy = this.#policy();
    const applied = bondPlan(policy, paths, this.#linkPlans());
    post({ kind: "apply-plan", session, plan: applied });
    const algorithm = algorithmMessage(policy.algorithm);
    const { copies = 0, fec = true } = policy;
    for (const [pathId, { role, weight, rateLimitBps, enabled }] of applied.paths) {
      const value = { pathId, role: roleMessage(role), weight, rateLimitBps, enabled, algorithm, copies, fecOff: !fec };
      control.send({ $case: "pathUpdate", value });
    }
  }

  /** Makes the loop's sockets those that the links call for, and tells the server. */
  #sync(): void {
    const wanted = this.book.wanted();
    const dropped = this.#dropUnwanted(new Set(wanted.map(({ socket }) => socket.path)));
    const changed = wanted.filter(({ socket }) => !sameSocket(this.#applied.get(socket.path), socket));
    for (const entry of changed) this.#apply(entry);
    if (!dropped && changed.length === 0) return;
    this.#options.onChange(this.book);
    this.applyPlan();
    if (!this.#options.control.connected) this.#options.control.wake();
  }

  #dropUnwanted(wanted: ReadonlySet<number>): boolean {
    const unwanted = [...this.#applied.keys()].filter((path) => !wanted.has(path));
    for (const path of unwanted) {
      this.#applied.delete(path);
      this.#blocked.delete(path);
      this.#options.post({ kind: "drop-link", path });
      this.#leave(path, "the link is gone");
    }
    return unwanted.length > 0;
  }

  #apply(entry: WantedPath): void {
    const { socket } = entry;
    if (this.#applied.has(socket.path)) this.#leave(socket.path, "the link has changed");
    this.#applied.set(socket.path, socket);
    this.#options.post({ kind: "set-link", link: socket });
    this.#announce(entry);
  }

  /** Tells the server, over another link if need be. */
  #leave(path: number, reason: string): void {
    this.#options.control.send({ $case: "pathSuspend", value: { pathId: path, reason } });
    this.#options.control.leaveLink(this.book.nameOf(path) ?? "");
  }

  #announce({ link: { name, kind }, socket }: WantedPath): void {
    const { path: pathId, maxDatagramBytes } = socket;
    const { role, weight, rateLimitBps, enabled } = this.#linkPlans().get(name) ?? DEFAULT_PATH_PLAN;
    const value = {
      pathId,
      link: name,
      kind,
      maxDatagramBytes,
      role: roleMessage(role),
      weight,
      rateLimitBps,
      enabled,
      overIpv6: isIPv6(socket.serverAddress),
    };
    this.#options.control.send({ $case: "pathOpen", value });
  }

  #policy(): BondPolicy {
    return planOfPeer(this.#plan, "").policy ?? this.#options.configuredPolicy();
  }

  #linkPlans() {
    return planOfPeer(this.#plan, "").links;
  }
}
