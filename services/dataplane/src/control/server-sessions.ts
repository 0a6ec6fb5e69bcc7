/** All clients of a server: who has a session, who may resume one, whose time is over. */

import { randomInt } from "node:crypto";
import type { CipherName } from "@edgebos/linux-io";
import type { Command } from "../loop/commands.ts";
import { algorithmOf, type PeerPlan } from "../plan.ts";
import type { AddressPool, InnerAddresses } from "./address-pool.ts";
import { isRegistered, type KnownClient, type RefusalReason } from "./admission.ts";
import { chooseCipher } from "./ciphers.ts";
import type { Message } from "./framing.ts";
import type { AdmittedClient } from "./listener.ts";
import { ServerSession } from "./server-session.ts";

/** How long a session waits for its client to come back, s. Ours: a tunnel, a lift, a reboot of a modem. */
export const RESUME_SECONDS = 120;
/** A client pings once a second; one that is silent for so long is gone without a word, ms. */
const IDLE_LIMIT_MS = 15_000;
/** docs/protocol.md §4. */
const REKEY_INTERVAL_MS = 3_600_000;

export interface ServerSessionsOptions {
  readonly pool: AddressPool;
  readonly mtuBytes: number;
  readonly software: string;
  readonly ownCiphers: readonly CipherName[];
  readonly clients: () => readonly KnownClient[];
  readonly post: (command: Command) => void;
  readonly planOf: (peer: string) => PeerPlan;
  readonly onRefused: (reason: RefusalReason, remote: string, text: string) => void;
  readonly onEvent: (severity: "info" | "warning", code: string, text: string, fields: Record<string, string>) => void;
}

export class ServerSessions {
  readonly #options: ServerSessionsOptions;
  readonly #byName = new Map<string, ServerSession>();

  constructor(options: ServerSessionsOptions) {
    this.#options = options;
  }

  all(): Iterable<ServerSession> {
    return this.#byName.values();
  }

  bySession(session: number): ServerSession | undefined {
    for (const entry of this.#byName.values()) if (entry.options.session === session) return entry;
    return undefined;
  }

  /** A client that passed the listener. The newer of two connections of one client wins. */
  admit(client: AdmittedClient): void {
    const existing = this.#byName.get(client.name);
    if (existing !== undefined && resumes(existing, client)) {
      this.#attach(existing, client, true);
      return;
    }
    const addresses = this.#options.pool.assign(client.name, (name) => this.#isKnown(name));
    if (addresses === undefined) {
      const text = "all inner addresses are in use: enlarge tunnel.pool_ipv4 and tunnel.pool_ipv6";
      this.#refuse(client, "pool-exhausted", text);
      return;
    }
    const cipher = chooseCipher(this.#options.ownCiphers, client.hello.ciphers);
    if (cipher === undefined) {
      this.#refuse(client, "version", "both ends have no cipher in common");
      return;
    }
    if (existing !== undefined) this.#end(existing, DUPLICATE, "replaced by a new session");
    const session = this.#open(client, cipher, addresses);
    this.#attach(session, client, false);
  }

  /** To be called about once a second with `performance.now()`. */
  tick(nowMs: number): void {
    for (const session of this.#byName.values()) {
      if (session.lostAtMs !== undefined && nowMs - session.lostAtMs > RESUME_SECONDS * 1000) {
        this.#end(session, farewell("time is over"), "did not come back");
        this.#tell("info", "session-ended", session, "did not come back, its session is over");
      } else if (session.connection !== undefined && nowMs - session.lastHeardMs > IDLE_LIMIT_MS) {
        session.connection.close(`silent for ${IDLE_LIMIT_MS / 1000} s`);
      } else if (session.epochAgeMs(nowMs) > REKEY_INTERVAL_MS) session.rekey();
    }
  }

  /** Ends the sessions of clients that are on the list no more. */
  revoke(): void {
    const clients = this.#options.clients();
    for (const session of this.#byName.values()) {
      const { name, fingerprintSha256 } = session.options;
      if (isRegistered(name, fingerprintSha256, clients)) continue;
      this.#end(session, REVOKED, "removed from the list of clients");
      this.#tell("warning", "client-removed", session, "was removed from the list of clients and is disconnected");
    }
  }

  applyPlan(): void {
    for (const session of this.#byName.values()) session.applyPlan();
  }

  /** A clean stop: every client hears that the server goes. */
  close(): void {
    for (const session of this.#byName.values()) this.#end(session, farewell("the server stops"), "the server stops");
  }

  #isKnown(name: string): boolean {
    return this.#byName.has(name) || this.#options.clients().some((client) => client.name === name);
  }

  #open(client: AdmittedClient, cipher: CipherName, addresses: InnerAddresses): ServerSession {
    const session: ServerSession = new ServerSession({
      name: client.name,
      fingerprintSha256: client.fingerprintSha256,
      session: this.#freshNumber(),
      remoteSession: client.hello.session,
      cipher,
      addresses,
      post: this.#options.post,
      ownPlan: () => this.#options.planOf(client.name),
      onLost: (reason) => this.#tell("info", "control-lost", session, `lost its control connection: ${reason}`),
      onGoodbye: (reason) => {
        this.#end(session, farewell("goodbye"), reason);
        this.#tell("info", "client-left", session, `said goodbye: ${reason}`);
      },
    });
    this.#byName.set(client.name, session);
    return session;
  }

  #attach(session: ServerSession, client: AdmittedClient, resumed: boolean): void {
    session.attach(client.connection, algorithmOf(client.hello.algorithm), (epoch) =>
      this.#welcome(session, epoch, resumed),
    );
    const how = resumed ? "resumed its session" : `connected with ${session.options.cipher}`;
    this.#tell(
      "info",
      resumed ? "client-resumed" : "client-connected",
      session,
      `${how} from ${client.connection.remote}`,
    );
  }

  #welcome(session: ServerSession, epoch: number, resumed: boolean): Message {
    const { pool, mtuBytes, software } = this.#options;
    const { addresses, cipher } = session.options;
    return {
      $case: "welcome",
      value: {
        session: session.options.session,
        resumed,
        epoch,
        innerV4: addresses.v4,
        innerV6: addresses.v6,
        prefixV4: pool.pools.v4.length,
        prefixV6: pool.pools.v6.length,
        serverInnerV4: pool.server.v4,
        serverInnerV6: pool.server.v6,
        mtuBytes,
        cipher,
        resumeSeconds: RESUME_SECONDS,
        software,
      },
    };
  }

  #end(session: ServerSession, message: Message, reason: string): void {
    if (this.#byName.get(session.options.name) === session) this.#byName.delete(session.options.name);
    session.end(message, reason);
  }

  #refuse(client: AdmittedClient, reason: RefusalReason, text: string): void {
    this.#options.onRefused(reason, client.connection.remote, `client "${client.name}": ${text}`);
    client.connection.closeAfter({ $case: "refuse", value: { code: reason, reason: text } }, text);
  }

  #tell(severity: "info" | "warning", code: string, session: ServerSession, text: string): void {
    const { name, addresses } = session.options;
    this.#options.onEvent(severity, code, `client "${name}" ${text}`, { client: name, inner_v4: addresses.v4 });
  }

  #freshNumber(): number {
    for (;;) {
      const number = randomInt(1, 2 ** 32);
      if (this.bySession(number) === undefined) return number;
    }
  }
}

const DUPLICATE: Message = {
  $case: "refuse",
  value: { code: "duplicate-client", reason: "another connection with this certificate took over the session" },
};
const REVOKED: Message = {
  $case: "refuse",
  value: { code: "unknown-client", reason: "this client was removed from the server's list" },
};

function farewell(reason: string): Message {
  return { $case: "goodbye", value: { reason } };
}

function resumes(session: ServerSession, { hello, fingerprintSha256 }: AdmittedClient): boolean {
  return (
    hello.resumeSession === session.options.session &&
    hello.session === session.options.remoteSession &&
    fingerprintSha256 === session.options.fingerprintSha256
  );
}
