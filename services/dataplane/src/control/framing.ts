/**
 * Frames of the control channel: a big-endian u32 length, then one `edgebos.v1.ControlMessage` (docs/protocol.md §2).
 * Bytes arrive in pieces of any size; a peer that announces more than {@link MAX_MESSAGE_BYTES} is not read any further.
 */

import { control } from "@edgebos/proto";

/** One case of ControlMessage, as `{ $case, value }`. */
export type Message = NonNullable<control.ControlMessage["message"]>;

/** Largest message, bytes. From the specification. */
export const MAX_MESSAGE_BYTES = 65_536;

/** Length prefix, bytes. From the specification. */
export const PREFIX_BYTES = 4;

/** Why a stream of frames cannot be read on. The connection must be closed. */
export type FramingFault = "oversized" | "undecodable";

export function encodeFrame(message: Message): Buffer {
  const body = control.ControlMessage.encode({ message }).finish();
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + body.length);
  frame.writeUInt32BE(body.length, 0);
  frame.set(body, PREFIX_BYTES);
  return frame;
}

/** Reassembles frames. Messages of a kind that this version does not know are skipped, so that later versions may add some. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** Calls `onMessage` for each message that is complete with `chunk`. Returns why reading must stop, or undefined. */
  push(chunk: Buffer, onMessage: (message: Message) => void): FramingFault | undefined {
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= PREFIX_BYTES) {
      const head = this.#joined();
      const length = head.readUInt32BE(0);
      if (length > MAX_MESSAGE_BYTES) return "oversized";
      if (this.#bytes < PREFIX_BYTES + length) return undefined;
      const message = decode(head.subarray(PREFIX_BYTES, PREFIX_BYTES + length));
      if (message === "undecodable") return message;
      this.#pieces = [head.subarray(PREFIX_BYTES + length)];
      this.#bytes -= PREFIX_BYTES + length;
      if (message !== undefined) onMessage(message);
    }
    return undefined;
  }

  #joined(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }
}

function decode(body: Buffer): Message | "undecodable" | undefined {
  try {
    return control.ControlMessage.decode(body).message;
  } catch {
    return "undecodable";
  }
}
