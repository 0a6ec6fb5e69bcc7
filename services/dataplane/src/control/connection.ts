/** One end of a control connection: messages over a TLS socket, and the keys that its handshake yields. */

import type { TLSSocket } from "node:tls";
import { encodeFrame, FrameReader, type FramingFault, type Message } from "./framing.ts";

/** Application protocol in the TLS handshake (docs/protocol.md §2). */
export const ALPN = "edgebos/1";
export const PROTOCOL_VERSION = 1;

/** Keys of one epoch, 32 bytes each, in the directions of the protocol. */
export interface EpochKeys {
  readonly clientToServer: Uint8Array;
  readonly serverToClient: Uint8Array;
}

export interface ConnectionHandlers {
  onMessage(message: Message): void;
  /** Called once, whatever ends the connection. `reason` is for the log. */
  onClose(reason: string): void;
}

/** Takes over a TLS socket whose handshake is done. */
export class ControlConnection {
  readonly socket: TLSSocket;
  readonly remote: string;
  readonly #reader = new FrameReader();
  #handlers: ConnectionHandlers | undefined;
  #closed = false;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    this.remote = `${socket.remoteAddress ?? "?"} port ${socket.remotePort ?? 0}`;
    socket.setNoDelay(true);
    socket.setTimeout(0);
  }

  /** Starts to read. A later call hands the connection over to other handlers. */
  open(handlers: ConnectionHandlers): void {
    const reading = this.#handlers !== undefined;
    this.#handlers = handlers;
    if (reading) return;
    this.socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.socket.once("error", (error) => this.close(error.message));
    this.socket.once("end", () => this.close("closed by the peer"));
    this.socket.once("close", () => this.close("connection lost"));
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(message: Message): void {
    if (this.#closed) return;
    if (this.socket.writableLength > MAX_UNSENT_BYTES) this.close("the peer does not read");
    else this.socket.write(encodeFrame(message));
  }

  /** Sends `message` and closes once it has left. */
  closeAfter(message: Message, reason: string): void {
    if (!this.#closed) this.socket.end(encodeFrame(message));
    this.#finish(reason, () => setTimeout(() => this.socket.destroy(), LINGER_MS).unref());
  }

  close(reason: string): void {
    this.#finish(reason, () => this.socket.destroy());
  }

  /** RFC 8446 §7.5 by docs/protocol.md §4. */
  epochKeys(epoch: number): EpochKeys {
    const context = Buffer.alloc(4);
    context.writeUInt32BE(epoch);
    const material = this.socket.exportKeyingMaterial(64, "EXPORTER-edgebos-v1", context);
    return {
      clientToServer: Uint8Array.from(material.subarray(0, 32)),
      serverToClient: Uint8Array.from(material.subarray(32)),
    };
  }

  #receive(chunk: Buffer): void {
    const fault = this.#reader.push(chunk, (message) => {
      if (!this.#closed) this.#handlers?.onMessage(message);
    });
    if (fault !== undefined) this.close(FAULT_TEXT[fault]);
  }

  #finish(reason: string, end: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    end();
    this.#handlers?.onClose(reason);
  }
}

/** Bytes that may wait for a peer that does not read. Ours: a minute of link reports is 30 kB. */
const MAX_UNSENT_BYTES = 256 * 1024;
/** How long a last message may take to leave. */
const LINGER_MS = 1000;

const FAULT_TEXT: Readonly<Record<FramingFault, string>> = {
  oversized: "the peer announced a message that is too long",
  undecodable: "the peer sent bytes that are no message",
};
