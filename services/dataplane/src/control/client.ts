/**
 * The client's end of the control channel: dials, says hello, resumes, and starts again whenever the connection is lost. The
 * data channel goes on meanwhile; only the server can end a session.
 */

import { randomInt } from "node:crypto";
import type { CipherName } from "@edgebos/linux-io";
import type { control } from "@edgebos/proto";
import type { Algorithm } from "@edgebos/tunnel";
import type { Command } from "../loop/commands.ts";
import { algorithmMessage } from "../plan.ts";
import { Backoff } from "./backoff.ts";
import { asCipher } from "./ciphers.ts";
import { type ControlConnection, PROTOCOL_VERSION } from "./connection.ts";
import { type Dialled, type DialOptions, dial } from "./dial.ts";
import type { Message } from "./framing.ts";
import { Liveness } from "./liveness.ts";

export interface ControlClientOptions {
  readonly dialOptions: () => Promise<Omit<DialOptions, "signal">>;
  readonly ciphers: readonly CipherName[];
  readonly algorithm: () => Algorithm;
  readonly software: string;
  readonly post: (command: Command) => void;
  /** The session is there; `resumed` tells whether the old one goes on. Paths are to be announced. */
  readonly onWelcome: (welcome: control.Welcome, dialled: Dialled) => void;
  readonly onMessage: (message: Message) => void;
  readonly onState: (state: ControlState) => void;
}

export type ControlState =
  | { readonly kind: "dialling"; readonly reason: string }
  | { readonly kind: "refused"; readonly code: string; readonly reason: string }
  | { readonly kind: "connected"; readonly link: string; readonly remote: string };

/** What a client needs to know of its session in order to resume it. */
interface Session {
  readonly local: number;
  readonly remote: number;
}

export class ControlClient {
  readonly #options: ControlClientOptions;
  #stopped = false;
  #race: AbortController | undefined;
  readonly #unreachable = new Backoff(100, 2000);
  /** A refused handshake costs 5 kB, which a metered link should not pay often; nor should two clients with one certificate fight. */
  readonly #refused = new Backoff(5000, 30_000);
  #session: Session | undefined;
  #connection: ControlConnection | undefined;
  /** Link that the connection runs over. */
  #link = "";
  #epoch = 0;
  #sinceMs = 0;
  #cutWait: (() => void) | undefined;

  constructor(options: ControlClientOptions) {
    this.#options = options;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  get session(): number {
    return this.#session?.local ?? 0;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Unix milliseconds since when the present session exists. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Dials until {@link stop}; resolves then. */
  async run(): Promise<void> {
    let delayMs = 0;
    while (!this.#stopped) {
      await this.#wait(delayMs);
      if (this.#stopped) return;
      try {
        const dialled = await this.#dial();
        const since = performance.now();
        const reason = await this.#serve(dialled);
        const steady = performance.now() - since > STEADY_MS;
        delayMs = steady ? 0 : this.#unreachable.next();
        if (steady) this.#refused.reset();
        if (!this.#stopped) this.#options.onState({ kind: "dialling", reason });
      } catch (error) {
        delayMs = (error instanceof RefusedError ? this.#refused : this.#unreachable).next();
        if (!this.#stopped) this.#options.onState(stateAfter(error));
      }
    }
  }

  /** Dials at once and over all links where it was waiting or dialling: a link appeared. */
  wake(): void {
    this.#unreachable.reset();
    this.#race?.abort();
    this.#cutWait?.();
  }

  /** The connection leaves a link that is gone without waiting for its silence to be noticed. */
  leaveLink(link: string): void {
    if (this.#link === link) this.#connection?.close(`${link} is gone`);
  }

  /** Nothing is sent without a connection: what counts is announced again with each Welcome. */
  send(message: Message): void {
    this.#connection?.send(message);
  }

  /** Asks the server for keys of a new epoch. */
  requestRekey(): void {
    this.send({ $case: "rekey", value: { epoch: this.#epoch + 1 } });
  }

  stop(): void {
    this.#stopped = true;
    this.#race?.abort();
    this.#connection?.closeAfter({ $case: "goodbye", value: { reason: "the client stops" } }, "stopped");
    this.#cutWait?.();
  }

  async #dial(): Promise<Dialled> {
    const options = await this.#options.dialOptions();
    this.#race = new AbortController();
    return await dial({ ...options, signal: this.#race.signal }).finally(() => {
      this.#race = undefined;
    });
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#cutWait = undefined;
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      this.#cutWait = done;
    });
  }

  /** From hello to the end of the connection. Resolves with the reason of the end, rejects with RefusedError. */
  #serve(dialled: Dialled): Promise<string> {
    const { connection } = dialled;
    return new Promise((resolve, reject) => {
      const hello = this.#hello();
      const liveness = new Liveness(performance.now());
      let welcomed = false;
      const timer = setInterval(() => keepAlive(connection, liveness), LIVENESS_POLL_MS);
      const patience = setTimeout(() => connection.close("the server did not say welcome"), WELCOME_LIMIT_MS);
      connection.open({
        onMessage: (message) => {
          liveness.heard();
          if (message.$case === "refuse") {
            reject(new RefusedError(message.value));
            connection.close("refused");
          } else if (welcomed) this.#handle(message, connection);
          else if (message.$case === "welcome") {
            welcomed = true;
            clearTimeout(patience);
            this.#enter(message.value, hello.session, dialled);
          } else connection.close("the server's first message is no welcome");
        },
        onClose: (reason) => {
          clearInterval(timer);
          clearTimeout(patience);
          if (this.#connection === connection) this.#connection = undefined;
          resolve(reason);
        },
      });
      connection.send({ $case: "hello", value: hello });
    });
  }

  #hello(): control.Hello {
    return {
      protocolVersion: PROTOCOL_VERSION,
      session: this.#session?.local ?? randomInt(1, 2 ** 32),
      resumeSession: this.#session?.remote ?? 0,
      software: this.#options.software,
      ciphers: [...this.#options.ciphers],
      algorithm: algorithmMessage(this.#options.algorithm()),
    };
  }

  #enter(welcome: control.Welcome, local: number, dialled: Dialled): void {
    const { connection, candidate } = dialled;
    const cipher = asCipher(welcome.cipher);
    if (cipher === undefined) {
      connection.close(`the server wants the cipher "${welcome.cipher}"`);
      return;
    }
    if (!welcome.resumed) {
      this.#sinceMs = Date.now();
      this.#options.post({
        kind: "open-session",
        session: local,
        remoteSession: welcome.session,
        cipher,
        host: 0,
        innerV4: new Uint8Array(4),
        innerV6: new Uint8Array(16),
      });
    }
    this.#session = { local, remote: welcome.session };
    this.#connection = connection;
    this.#link = candidate.link;
    this.#installKeys(connection, welcome.epoch);
    this.#unreachable.reset();
    this.#options.onWelcome(welcome, dialled);
    this.#options.onState({ kind: "connected", link: candidate.link, remote: connection.remote });
  }

  #handle(message: Message, connection: ControlConnection): void {
    switch (message.$case) {
      case "rekey":
        this.#installKeys(connection, message.value.epoch);
        return;
      case "ping":
        connection.send({ $case: "pong", value: message.value });
        return;
      case "goodbye":
        this.#forgetSession();
        connection.close(`the server said goodbye: ${message.value.reason}`);
        return;
      default:
        this.#options.onMessage(message);
        return;
    }
  }

  #installKeys(connection: ControlConnection, epoch: number): void {
    this.#epoch = epoch;
    const keys = connection.epochKeys(epoch);
    this.#options.post({
      kind: "install-keys",
      session: this.session,
      epoch,
      sendKey: keys.clientToServer,
      receiveKey: keys.serverToClient,
    });
  }

  /** The bond is kept until the next session replaces it: packets wait there rather than in the kernel. */
  #forgetSession(): void {
    this.#session = undefined;
  }
}

/** The server does not want us; its words are for the operator. */
class RefusedError extends Error {
  readonly code: string;

  constructor(refuse: control.Refuse) {
    super(refuse.reason);
    this.name = "RefusedError";
    this.code = refuse.code;
  }
}

/** A connection that lasted so long is dialled again at once, ms. */
const STEADY_MS = 1000;
const LIVENESS_POLL_MS = 200;
const WELCOME_LIMIT_MS = 3000;

function keepAlive(connection: ControlConnection, liveness: Liveness): void {
  const step = liveness.poll(performance.now());
  if (step.kind === "ping") connection.send({ $case: "ping", value: { token: step.token } });
  else if (step.kind === "dead") connection.close("pings of the control channel stayed without an answer");
}

function stateAfter(error: unknown): ControlState {
  if (error instanceof RefusedError) return { kind: "refused", code: error.code, reason: error.message };
  return { kind: "dialling", reason: error instanceof Error ? error.message : String(error) };
}
