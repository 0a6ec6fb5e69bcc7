/**
 * The server's end of control connections up to their Hello: TLS, certificates, the list of clients. What is refused here
 * is counted, and told to the log at a bounded rate; a client that TLS trusts is also told why.
 */

import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { control } from "@edgebos/proto";
import { admit, type KnownClient, type PeerCertificate, type RefusalReason } from "./admission.ts";
import { ALPN, ControlConnection, PROTOCOL_VERSION } from "./connection.ts";

export interface ListenerOptions {
  readonly port: number;
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
  /** The list at this moment. */
  readonly clients: () => readonly KnownClient[];
  /** A client that may have a session. The connection has no handlers yet. */
  readonly onClient: (client: AdmittedClient) => void;
  readonly onRefused: (reason: RefusalReason, remote: string, text: string) => void;
}

export interface AdmittedClient {
  readonly name: string;
  readonly fingerprintSha256: string;
  readonly connection: ControlConnection;
  readonly hello: control.Hello;
}

export class ControlListener {
  readonly #options: ListenerOptions;
  readonly #server: Server;
  /** Connections that have no session yet. */
  readonly #entering = new Map<string, Socket>();

  /** Throws where certificate and key do not fit together. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#server = createServer({
      cert: options.certificate,
      key: options.key,
      ca: options.ca,
      minVersion: "TLSv1.3",
      ALPNProtocols: [ALPN],
      requestCert: true,
      // The chain is checked by `admit`, which can say why it refuses; TLS itself would only hang up.
      rejectUnauthorized: false,
      handshakeTimeout: ENTRY_LIMIT_MS,
    });
    this.#server.on("connection", (socket) => this.#watchEntry(socket));
    this.#server.on("tlsClientError", (error, socket) => this.#refuseHandshake(error, socket));
    this.#server.on("secureConnection", (socket) => this.#greet(socket));
  }

  /** Resolves once connections are accepted, on both families where the kernel has both; rejects with the system's error. */
  listen(): Promise<void> {
    return this.#listenOn("::").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EAFNOSUPPORT" || error.code === "EADDRNOTAVAIL") return this.#listenOn("0.0.0.0");
      throw error;
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#entering.values()) socket.destroy();
  }

  #listenOn(host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port: this.#options.port, host, ipv6Only: false, backlog: 128 }, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  #watchEntry(socket: Socket): void {
    if (this.#entering.size >= MAX_ENTERING) {
      this.#options.onRefused("too-many", remoteOf(socket), `${MAX_ENTERING} connections wait for admission already`);
      socket.destroy();
      return;
    }
    const remote = remoteOf(socket);
    this.#entering.set(remote, socket);
    socket.once("close", () => this.#entering.delete(remote));
  }

  #refuseHandshake(error: Error & { code?: string }, socket: TLSSocket): void {
    const reason = error.code === "ERR_TLS_HANDSHAKE_TIMEOUT" ? "timeout" : "tls";
    this.#options.onRefused(reason, remoteOf(socket), error.message);
    socket.destroy();
  }

  #greet(socket: TLSSocket): void {
    const connection = new ControlConnection(socket);
    if (socket.alpnProtocol !== ALPN) {
      this.#refuse(connection, "alpn", `the peer does not speak ${ALPN}`);
      return;
    }
    const peer = peerCertificate(socket);
    const admission = admit(peer, this.#options.clients());
    if (admission.kind === "refused") {
      this.#refuse(connection, admission.reason, admission.text);
      return;
    }
    this.#awaitHello(connection, admission.name, peer.fingerprintSha256 ?? "");
  }

  #awaitHello(connection: ControlConnection, name: string, fingerprintSha256: string): void {
    let waiting = true;
    const settle = () => {
      waiting = false;
      clearTimeout(timer);
      this.#entering.delete(connection.remote);
    };
    const timer = setTimeout(() => {
      settle();
      this.#refuse(connection, "timeout", "no hello came");
    }, ENTRY_LIMIT_MS);
    connection.open({
      onMessage: (message) => {
        if (!waiting) return;
        settle();
        if (message.$case !== "hello") return this.#refuse(connection, "malformed", "the first message is no hello");
        const hello = message.value;
        if (hello.protocolVersion !== PROTOCOL_VERSION) return this.#refuse(connection, "version", VERSION_TEXT);
        this.#options.onClient({ name, fingerprintSha256, connection, hello });
      },
      onClose: (reason) => {
        if (waiting) this.#options.onRefused("malformed", connection.remote, `no hello came: ${reason}`);
        settle();
      },
    });
  }

  #refuse(connection: ControlConnection, reason: RefusalReason, text: string): void {
    this.#options.onRefused(reason, connection.remote, text);
    connection.closeAfter({ $case: "refuse", value: { code: reason, reason: text } }, text);
  }
}

/** Time to get through the handshake, and again to say hello. */
const ENTRY_LIMIT_MS = 5000;
/** Bound of connections that have not said hello: what strangers can make us keep. */
const MAX_ENTERING = 256;
const VERSION_TEXT = `this server speaks version ${PROTOCOL_VERSION} of the protocol: install the same release on both ends`;

function peerCertificate(socket: TLSSocket): PeerCertificate {
  const certificate = socket.getPeerCertificate();
  const commonName = certificate.subject?.CN;
  return {
    fault: socket.authorized ? undefined : String(socket.authorizationError ?? "unknown"),
    commonName: Array.isArray(commonName) ? commonName[0] : commonName,
    fingerprintSha256: certificate.fingerprint256,
  };
}

function remoteOf(socket: Socket): string {
  return `${socket.remoteAddress ?? "?"} port ${socket.remotePort ?? 0}`;
}
