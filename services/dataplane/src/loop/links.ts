/**
 * A client's links: one UDP socket each, bound to device and address. A link outlives sessions; it is taken out of use at once when
 * the kernel says that its carrier, address or device is gone, and tried again when they are back.
 */

import { isIPv6 } from "node:net";
import { type RouteEvent, SystemError, type UdpOptions } from "@edgebos/linux-io";
import type { Bond, Micros, PathId } from "@edgebos/tunnel";
import { outerHeaderBytes } from "../host/commands.ts";
import type { LinkSocket, LoopMessage } from "./commands.ts";
import type { LoopIo, Udp } from "./io.ts";
import type { PathSockets } from "./outbound.ts";

export interface LinkIo {
  readonly poller: Pick<LoopIo["poller"], "add" | "remove">;
  readonly openUdp: (options: UdpOptions) => Udp;
  readonly closeUdp: (udp: Udp) => void;
  readonly encodeAddress: (host: string, port: number) => Uint8Array;
}

/** Why a link is not in use. `retryAt`: when to try by ourselves; Infinity = when the kernel or linkmon says so. */
interface Blocked {
  readonly reason: string;
  readonly retryAt: number;
}

interface Entry {
  link: LinkSocket;
  udp: Udp | undefined;
  pollIndex: number;
  blocked: Blocked | undefined;
}

export class Links implements PathSockets {
  readonly #io: LinkIo;
  readonly #say: (message: LoopMessage) => void;
  /** By path number. */
  readonly #entries: (Entry | undefined)[] = [];
  #bond: Bond | undefined;
  /** A send failed since the last {@link tick}. */
  hasFailed = false;

  constructor(io: LinkIo, say: (message: LoopMessage) => void) {
    this.#io = io;
    this.#say = say;
  }

  socketOf(path: number): Udp | undefined {
    return this.#entries[path]?.udp;
  }

  /** All path numbers with a link are below. */
  get pathsEnd(): number {
    return this.#entries.length;
  }

  /** The index of a path's socket in the poller, -1 while it has none. */
  pollIndexOf(path: number): number {
    return this.#entries[path]?.pollIndex ?? -1;
  }

  /** The bond that has the links from here on. */
  use(bond: Bond, now: Micros): void {
    this.#bond = bond;
    for (const entry of this.#entries) if (entry?.udp !== undefined) this.#openPath(entry.link, now);
  }

  set(link: LinkSocket, now: Micros): void {
    const entry = this.#entries[link.path];
    if (entry === undefined) {
      this.#entries[link.path] = { link, udp: undefined, pollIndex: -1, blocked: undefined };
    } else {
      this.#close(entry);
      entry.link = link;
    }
    this.#open(this.#entries[link.path]!, now);
  }

  drop(path: number, now: Micros): void {
    const entry = this.#entries[path];
    if (entry === undefined) return;
    this.#close(entry);
    this.#suspend(path, now);
    this.#entries[path] = undefined;
  }

  onSendError(path: number, errno: number): void {
    const entry = this.#entries[path];
    const reason = LINK_ERRORS.get(errno);
    if (entry === undefined || entry.blocked !== undefined || reason === undefined) return;
    // The socket is in use by the caller: it is closed when the loop is through with sending.
    this.hasFailed = true;
    entry.blocked = { reason, retryAt: Number.NEGATIVE_INFINITY };
  }

  /** To be called about ten times a second, and when {@link hasFailed}: closes what failed, opens what may work again. */
  tick(now: Micros): void {
    this.hasFailed = false;
    for (const entry of this.#entries) {
      if (entry?.blocked === undefined) continue;
      if (entry.udp !== undefined) this.#block(entry, entry.blocked.reason, now + RETRY_US, now);
      else if (entry.blocked.retryAt <= now) this.#open(entry, now);
    }
  }

  /** The reflex: what the kernel says of links, addresses and devices. */
  handleRouteEvent(event: RouteEvent, now: Micros): void {
    for (const entry of this.#entries) {
      if (entry === undefined) continue;
      const verdict = judge(event, entry.link);
      if (verdict.kind === "lost" && entry.udp !== undefined) {
        this.#block(entry, verdict.reason, Number.POSITIVE_INFINITY, now);
      } else if (verdict.kind === "back" && entry.udp === undefined) this.#open(entry, now);
    }
  }

  close(): void {
    for (const entry of this.#entries) if (entry !== undefined) this.#close(entry);
  }

  #open(entry: Entry, now: Micros): void {
    const { link } = entry;
    try {
      entry.udp = this.#io.openUdp({ address: link.address, port: 0, device: link.device });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#block(entry, error.message, now + RETRY_US, now);
      return;
    }
    entry.pollIndex = this.#io.poller.add(entry.udp.fd);
    if (entry.blocked !== undefined) this.#say({ kind: "link-back", path: link.path });
    entry.blocked = undefined;
    this.#openPath(link, now);
  }

  #openPath(link: LinkSocket, now: Micros): void {
    if (this.#bond === undefined) return;
    const path = link.path as PathId;
    const options = {
      name: link.name,
      maxDatagramBytes: link.maxDatagramBytes,
      remote: this.#io.encodeAddress(link.serverAddress, link.serverPort),
      headerBytes: outerHeaderBytes(isIPv6(link.serverAddress) ? 6 : 4),
    };
    if (this.#bond.pathIds().includes(path)) this.#bond.resumePath(path, options, now);
    else this.#bond.openPath(path, options, now);
  }

  #block(entry: Entry, reason: string, retryAt: number, now: Micros): void {
    const news = entry.blocked === undefined || entry.udp !== undefined;
    this.#close(entry);
    entry.blocked = { reason, retryAt };
    this.#suspend(entry.link.path, now);
    if (news) this.#say({ kind: "link-lost", path: entry.link.path, reason });
  }

  #suspend(path: number, now: Micros): void {
    if (this.#bond?.pathIds().includes(path as PathId)) this.#bond.suspendPath(path as PathId, now);
  }

  #close(entry: Entry): void {
    if (entry.udp === undefined) return;
    this.#io.poller.remove(entry.udp.fd);
    this.#io.closeUdp(entry.udp);
    entry.udp = undefined;
    entry.pollIndex = -1;
  }
}

/** How long a link rests that cannot be opened or sent on. */
const RETRY_US = 1_000_000;

/** Errors of a send by which a link is out of use; others concern one datagram. asm-generic/errno.h */
const LINK_ERRORS: ReadonlyMap<number, string> = new Map([
  [6, "the device is gone (ENXIO)"],
  [19, "the device is gone (ENODEV)"],
  [22, "the source address is gone (EINVAL)"],
  [99, "the source address is gone (EADDRNOTAVAIL)"],
  [100, "the device is down (ENETDOWN)"],
  [101, "there is no route (ENETUNREACH)"],
]);

type Verdict =
  | { readonly kind: "none" }
  | { readonly kind: "lost"; readonly reason: string }
  | { readonly kind: "back" };
const NONE: Verdict = { kind: "none" };

function judge(event: RouteEvent, link: LinkSocket): Verdict {
  switch (event.kind) {
    case "link":
      if (event.link.name !== link.device) return NONE;
      if (!event.link.up) return { kind: "lost", reason: "the device is down" };
      return event.link.carrier ? { kind: "back" } : { kind: "lost", reason: "no carrier" };
    case "link-gone":
      return event.name === link.device ? { kind: "lost", reason: "the device is gone" } : NONE;
    case "address":
      return event.address.address === link.address && event.address.usable ? { kind: "back" } : NONE;
    case "address-gone":
      if (event.address.address !== link.address) return NONE;
      return { kind: "lost", reason: `the address ${link.address} is gone` };
    default:
      return NONE;
  }
}
