/** A client's links as linkmon describes them, turned into paths: which socket each needs, and which number it has. */

import { isIP } from "node:net";
import type { link } from "@edgebos/proto";
import type { Candidate } from "./control/dial.ts";
import type { ServerAddresses } from "./control/resolve.ts";
import { innerMtuBytes, maxDatagramBytes } from "./host/commands.ts";
import type { LinkSocket } from "./loop/commands.ts";

/** Paths that a session can number; 255 is reserved. */
const MAX_PATHS = 255;

export interface WantedPath {
  readonly link: link.Link;
  readonly socket: LinkSocket;
}

export class LinkBook {
  readonly #links = new Map<string, link.Link>();
  /** A link keeps its number while the process lives. */
  readonly #paths = new Map<string, number>();
  readonly #serverPort: number;
  #server: ServerAddresses = { v4: [], v6: [] };

  constructor(serverPort: number) {
    this.#serverPort = serverPort;
  }

  set(name: string, link: link.Link | undefined): void {
    if (link === undefined) this.#links.delete(name);
    else this.#links.set(name, link);
  }

  setServer(addresses: ServerAddresses): void {
    this.#server = addresses;
  }

  get server(): ServerAddresses {
    return this.#server;
  }

  all(): link.Link[] {
    return [...this.#links.values()];
  }

  nameOf(path: number): string | undefined {
    for (const [name, number] of this.#paths) if (number === path) return name;
    return undefined;
  }

  /** One path for each link that has what it takes to reach the server. */
  wanted(): WantedPath[] {
    return this.all().flatMap((link) => {
      const way = wayOf(link, this.#server);
      const path = this.#numberOf(link.name);
      if (way === undefined || path === undefined) return [];
      const socket: LinkSocket = {
        path,
        name: link.name,
        device: link.name,
        ifindex: link.ifindex,
        address: way.localAddress,
        serverAddress: way.serverAddress,
        serverPort: this.#serverPort,
        maxDatagramBytes: maxDatagramBytes(mtuOf(link), way.family),
      };
      return [{ link, socket }];
    });
  }

  /** Ways to dial the server, in the order of `rank`, lowest first. */
  candidates(rank: (linkName: string) => number): Candidate[] {
    return this.all()
      .sort((a, b) => rank(a.name) - rank(b.name))
      .flatMap((link) => {
        const way = wayOf(link, this.#server);
        if (way === undefined) return [];
        return [{ link: link.name, localAddress: way.localAddress, remoteAddress: way.serverAddress }];
      });
  }

  /** Largest inner packet that every link carries in one datagram. */
  innerMtuBytes(): number {
    const each = this.wanted().map(({ link, socket }) =>
      innerMtuBytes(mtuOf(link), isIP(socket.serverAddress) === 6 ? 6 : 4),
    );
    return Math.min(innerMtuBytes(DEFAULT_LINK_MTU_BYTES, 4), ...each);
  }

  #numberOf(name: string): number | undefined {
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const used = new Set(this.#paths.values());
    for (let path = 0; path < MAX_PATHS; path++) {
      if (used.has(path)) continue;
      this.#paths.set(name, path);
      return path;
    }
    return undefined;
  }
}

/** Whether two sockets are the same to the kernel and to the server: only then the path goes on without a break. */
export function sameSocket(a: LinkSocket | undefined, b: LinkSocket): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}

const DEFAULT_LINK_MTU_BYTES = 1500;

interface Way {
  readonly family: 4 | 6;
  readonly localAddress: string;
  readonly serverAddress: string;
}

/** IPv4 where both ends have it, else IPv6. A link without carrier, address or gateway leads nowhere. */
function wayOf(link: link.Link, server: ServerAddresses): Way | undefined {
  if (!link.carrier) return undefined;
  return wayOver(4, link, server.v4) ?? wayOver(6, link, server.v6);
}

function wayOver(family: 4 | 6, link: link.Link, servers: readonly string[]): Way | undefined {
  const localAddress = link.addresses.find((address) => isIP(address) === family);
  const gateway = family === 4 ? link.gatewayV4 : link.gatewayV6;
  const serverAddress = servers[0];
  if (localAddress === undefined || gateway === "" || serverAddress === undefined) return undefined;
  return { family, localAddress, serverAddress };
}

function mtuOf(link: link.Link): number {
  return link.mtuBytes > 0 ? link.mtuBytes : DEFAULT_LINK_MTU_BYTES;
}
