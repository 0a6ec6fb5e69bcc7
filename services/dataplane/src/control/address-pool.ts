/**
 * Inner addresses of clients. Each client name owns one host number for good; its IPv4 and IPv6 addresses are that number
 * in the two pools, so one table serves both families. Number 1 is the server. The table survives restarts in a file.
 */

import { readFileSync } from "node:fs";
import { formatIpv4, formatIpv6, type Prefix, parsePrefix } from "../host/addresses.ts";
import { writeFileAtomically } from "../state.ts";

/** Host number of the server in both pools. */
export const SERVER_HOST = 1;
/** Upper bound of clients in one pool: host numbers index a table of the forwarding loop. Ours. */
export const MAX_HOSTS = 65_534;

export interface InnerAddresses {
  readonly host: number;
  readonly v4: string;
  readonly v6: string;
}

export interface Pools {
  readonly v4: Prefix;
  readonly v6: Prefix;
  /** Largest host number that fits both pools. */
  readonly lastHost: number;
}

/** Throws RangeError when a pool has no room for a server and one client. */
export function parsePools(poolV4: string, poolV6: string): Pools {
  const v4 = parsePrefix(poolV4);
  const v6 = parsePrefix(poolV6);
  const lastV4 = 2 ** (32 - v4.length) - 2;
  const lastV6 = 2 ** Math.min(32, 128 - v6.length) - 1;
  const lastHost = Math.min(lastV4, lastV6, MAX_HOSTS);
  if (lastHost < 2) throw new RangeError(`the pools ${poolV4} and ${poolV6} have no room for a server and a client`);
  return { v4, v6, lastHost };
}

export function addressesOf(pools: Pools, host: number): InnerAddresses {
  return { host, v4: formatIpv4(numbered(pools.v4.bytes, host)), v6: formatIpv6(numbered(pools.v6.bytes, host)) };
}

/** Who owns which host number. */
export class AddressPool {
  readonly pools: Pools;
  readonly #file: string;
  readonly #hosts: Map<string, number>;

  /** A missing or unreadable `file` is an empty table: clients then get new addresses, which is better than no service. */
  constructor(pools: Pools, file: string) {
    this.pools = pools;
    this.#file = file;
    this.#hosts = new Map(readTable(file).filter(([, host]) => host > SERVER_HOST && host <= pools.lastHost));
  }

  get server(): InnerAddresses {
    return addressesOf(this.pools, SERVER_HOST);
  }

  /** The client's addresses, new ones on its first call. Undefined when all are owned by names that `isKnown` keeps. */
  assign(name: string, isKnown: (name: string) => boolean): InnerAddresses | undefined {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = this.#freeHost() ?? this.#reclaim(isKnown);
      if (host === undefined) return undefined;
      this.#hosts.set(name, host);
      this.#save();
    }
    return addressesOf(this.pools, host);
  }

  #freeHost(): number | undefined {
    const owned = new Set(this.#hosts.values());
    for (let host = SERVER_HOST + 1; host <= this.pools.lastHost; host++) if (!owned.has(host)) return host;
    return undefined;
  }

  #reclaim(isKnown: (name: string) => boolean): number | undefined {
    for (const [name, host] of this.#hosts) {
      if (isKnown(name)) continue;
      this.#hosts.delete(name);
      return host;
    }
    return undefined;
  }

  #save(): void {
    writeFileAtomically(this.#file, `${JSON.stringify({ hosts: Object.fromEntries(this.#hosts) }, null, 2)}\n`);
  }
}

function readTable(file: string): [string, number][] {
  try {
    const { hosts } = JSON.parse(readFileSync(file, "utf8")) as { hosts?: Record<string, unknown> };
    return Object.entries(hosts ?? {}).filter((entry): entry is [string, number] => Number.isInteger(entry[1]));
  } catch {
    return [];
  }
}

/** The network's address plus `host`. Prefixes are at most 30 and 96 + 30 long, so the sum stays in the last 32 bits. */
function numbered(network: Uint8Array, host: number): Uint8Array {
  const address = Uint8Array.from(network);
  const view = new DataView(address.buffer);
  const at = address.length - 4;
  view.setUint32(at, view.getUint32(at) + host);
  return address;
}
