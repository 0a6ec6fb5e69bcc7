/**
 * Dials the server over all links: the best one first, the next ones 250 ms later each or as soon as one fails, and the first
 * whose TLS handshake completes wins (the manner of RFC 8305).
 */

import { isIP, type TcpNetConnectOpts } from "node:net";
import { type ConnectionOptions, checkServerIdentity, connect, type TLSSocket } from "node:tls";
import { ALPN, ControlConnection } from "./connection.ts";

/** One way to the server. */
export interface Candidate {
  readonly link: string;
  /** Source address; source routing keeps the connection on the link. */
  readonly localAddress: string;
  readonly remoteAddress: string;
}

export interface DialOptions {
  readonly candidates: readonly Candidate[];
  readonly port: number;
  /** What the server's certificate must name. */
  readonly serverName: string;
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
  readonly signal: AbortSignal;
  readonly staggerMs?: number;
}

export interface Dialled {
  readonly connection: ControlConnection;
  readonly candidate: Candidate;
}

/** Nobody answered, or not as a server of ours should. `message` has each link's reason. */
export class DialError extends Error {
  readonly code = "server-unreachable";

  constructor(failures: readonly string[]) {
    super(failures.length === 0 ? "no link can be used" : [...new Set(failures)].join("; "));
    this.name = "DialError";
  }
}

/** Rejects with DialError. */
export function dial(options: DialOptions): Promise<Dialled> {
  return new Promise((resolve, reject) => new Race(options, resolve, reject).start());
}

class Race {
  readonly #options: DialOptions;
  readonly #resolve: (dialled: Dialled) => void;
  readonly #reject: (error: DialError) => void;
  readonly #running = new Set<TLSSocket>();
  readonly #failures: string[] = [];
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  constructor(options: DialOptions, resolve: (dialled: Dialled) => void, reject: (error: DialError) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const { signal } = this.#options;
    const abort = () => this.#finish(() => this.#reject(new DialError(["dialling again, the links have changed"])));
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener("abort", abort, { once: true });
    this.#startNext();
  }

  #startNext(): void {
    clearTimeout(this.#timer);
    const candidate = this.#options.candidates[this.#next++];
    if (candidate === undefined) {
      if (this.#running.size === 0) this.#finish(() => this.#reject(new DialError(this.#failures)));
      return;
    }
    this.#attempt(candidate);
    this.#timer = setTimeout(() => this.#startNext(), this.#options.staggerMs ?? STAGGER_MS);
  }

  #attempt(candidate: Candidate): void {
    const socket = this.#connect(candidate);
    this.#running.add(socket);
    const fail = (reason: string) => {
      if (this.#over || !this.#running.delete(socket)) return;
      socket.destroy();
      this.#failures.push(`${candidate.link}: ${reason}`);
      this.#startNext();
    };
    socket.setTimeout(ATTEMPT_LIMIT_MS, () =>
      fail(`no answer from ${candidate.remoteAddress} in ${ATTEMPT_LIMIT_MS / 1000} s`),
    );
    socket.on("error", (error: NodeJS.ErrnoException) => fail(reasonOf(error)));
    socket.once("close", () => fail("closed by the server"));
    socket.once("secureConnect", () => {
      if (socket.alpnProtocol !== ALPN) return fail(`port ${this.#options.port} there is no server of ours`);
      this.#running.delete(socket);
      const connection = new ControlConnection(socket);
      this.#finish(() => this.#resolve({ connection, candidate }));
    });
  }

  #connect({ localAddress, remoteAddress }: Candidate): TLSSocket {
    const { port, serverName, certificate, key, ca } = this.#options;
    const target: TcpNetConnectOpts & ConnectionOptions = {
      host: remoteAddress,
      port,
      localAddress,
      servername: isIP(serverName) === 0 ? serverName : "",
      checkServerIdentity: (_host, presented) => checkServerIdentity(serverName, presented),
      cert: certificate,
      key,
      ca,
      minVersion: "TLSv1.3",
      ALPNProtocols: [ALPN],
    };
    return connect(target);
  }

  #finish(settle: () => void): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    for (const socket of this.#running) socket.destroy();
    settle();
  }
}

const STAGGER_MS = 250;
/** TCP and TLS together. Ours: five round trips of a geostationary satellite. */
const ATTEMPT_LIMIT_MS = 4000;

function reasonOf(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ECONNREFUSED":
      return "the server's port is closed (is the server running?)";
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "no route to the server";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `the server's certificate is for another name: ${error.message}`;
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return `the server's certificate is not of our CA (${error.code})`;
    default:
      return error.message;
  }
}
