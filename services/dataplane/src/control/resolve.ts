/**
 * Addresses of the server. A name is looked up through each link by itself as well as by the system, because the system's
 * way may lead through the tunnel, which is down when the answer is needed most. The last answer is kept on disk.
 */

import { promises as dns } from "node:dns";
import { isIP } from "node:net";
import { readJson, writeFileAtomically } from "../state.ts";

export interface ServerAddresses {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

/** Looks a name up by one way; rejects where that way knows nothing. */
export type Lookup = (host: string) => Promise<readonly string[]>;

export interface ResolverOptions {
  readonly host: string;
  /** Where the last answer is kept. */
  readonly file: string;
  /** Ways to look a name up at this moment, asked all at once. */
  readonly lookups: () => readonly Lookup[];
  readonly limitMs?: number;
}

/** How long an answer is believed without asking again, ms. */
const FRESH_MS = 30_000;
/** How long to wait for the quickest way before the last answer is used, ms. */
const LOOKUP_LIMIT_MS = 1500;

export class ServerResolver {
  readonly #options: ResolverOptions;
  #known: ServerAddresses | undefined;
  #knownSinceMs = Number.NEGATIVE_INFINITY;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#known = isIP(options.host) === 0 ? remembered(options) : split([options.host]);
  }

  /** Rejects only if no way answers and nothing is remembered. */
  async resolve(): Promise<ServerAddresses> {
    if (this.#known !== undefined && this.#isFresh()) return this.#known;
    try {
      const answer = split(await quickest(this.#options));
      this.#remember(answer);
      return answer;
    } catch (cause) {
      if (this.#known !== undefined) return this.#known;
      const text = `the name "${this.#options.host}" (server.host) cannot be looked up over any link: check it, or give an address`;
      throw new Error(text, { cause });
    }
  }

  #isFresh(): boolean {
    return isIP(this.#options.host) !== 0 || performance.now() - this.#knownSinceMs < FRESH_MS;
  }

  #remember(answer: ServerAddresses): void {
    this.#knownSinceMs = performance.now();
    if (JSON.stringify(answer) === JSON.stringify(this.#known)) return;
    this.#known = answer;
    writeFileAtomically(this.#options.file, `${JSON.stringify({ host: this.#options.host, ...answer })}\n`);
  }
}

/** The system's own resolver: /etc/hosts, nsswitch and all. */
export const systemLookup: Lookup = async (host) => {
  const answers = await dns.lookup(host, { all: true });
  return answers.map(({ address }) => address);
};

/** Asks the name servers of /etc/resolv.conf from a link's own addresses, which source routing keeps on that link. */
export function lookupFrom(addresses: readonly string[]): Lookup {
  return async (host) => {
    const resolver = new dns.Resolver({ timeout: 1000, tries: 1 });
    const v4 = addresses.find((address) => isIP(address) === 4);
    const v6 = addresses.find((address) => isIP(address) === 6);
    resolver.setLocalAddress(v4 ?? "0.0.0.0", v6 ?? "::0");
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  };
}

async function quickest({ host, lookups, limitMs = LOOKUP_LIMIT_MS }: ResolverOptions): Promise<readonly string[]> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${limitMs} ms`)), limitMs);
  });
  const answers = lookups().map(async (lookup) => {
    const addresses = await lookup(host);
    if (addresses.length === 0) throw new Error("no addresses");
    return addresses;
  });
  try {
    return await Promise.race([Promise.any(answers), limit]);
  } finally {
    clearTimeout(timer);
  }
}

function split(addresses: readonly string[]): ServerAddresses {
  const sorted = [...new Set(addresses)].sort();
  return {
    v4: sorted.filter((address) => isIP(address) === 4),
    v6: sorted.filter((address) => isIP(address) === 6),
  };
}

function remembered({ host, file }: ResolverOptions): ServerAddresses | undefined {
  const state = readJson(file) as { host?: string; v4?: string[]; v6?: string[] } | undefined;
  if (state?.host !== host) return undefined;
  return split([...(state.v4 ?? []), ...(state.v6 ?? [])]);
}
