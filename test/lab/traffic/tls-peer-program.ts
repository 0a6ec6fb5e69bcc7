/**
 * `tls-peer-program.ts <TlsPeerOptions as JSON>`: a peer of the control channel that need not behave. It connects, may shake hands, says what it
 * is told to say and listens until it is hung up on or its time is over. Prints one {@link TlsPeerResult} as JSON.
 */
import { readFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type SecureVersion } from "node:tls";
import { control } from "@edgebos/proto";

export interface TlsPeerOptions {
  readonly host: string;
  readonly port: number;
  /** Without TLS: what is said goes out as it is. */
  readonly plain?: boolean;
  readonly certificateFile?: string;
  readonly keyFile?: string;
  readonly maxVersion?: SecureVersion;
  /** Default: the product's. */
  readonly alpn?: string;
  /** Hexadecimal; "hello" stands for a proper Hello. Default: nothing. */
  readonly say?: string;
  /** Hangs up itself after this. */
  readonly patienceMs: number;
}

export interface TlsPeerResult {
  readonly handshake: boolean;
  /** Hung up on by the other end. */
  readonly closed: boolean;
  readonly elapsedMs: number;
  readonly error: string;
  readonly bytesReceived: number;
  /** Cases of the control messages that were received. */
  readonly messages: readonly string[];
  /** Code of a Refuse, if one came. */
  readonly refusal: string;
}

const PREFIX_BYTES = 4;

const options = JSON.parse(process.argv[2]!) as TlsPeerOptions;
const startMs = performance.now();
const received: Buffer[] = [];
let handshake = false;
let error = "";
const socket = connect();
const patience = setTimeout(() => finish(false), options.patienceMs);
socket.on("data", (chunk: Buffer) => received.push(chunk));
socket.on("error", (fault: Error & { code?: string }) => {
  error = fault.code ?? fault.message;
});
socket.on("close", () => finish(true));

function connect(): Socket {
  const { host, port, plain, maxVersion, alpn = "edgebos/1" } = options;
  if (plain) return connectTcp(port, host, speak);
  const own = {
    ...(options.certificateFile ? { cert: readFileSync(options.certificateFile) } : {}),
    ...(options.keyFile ? { key: readFileSync(options.keyFile) } : {}),
    ...(maxVersion ? { maxVersion } : {}),
  };
  return connectTls({ host, port, ALPNProtocols: [alpn], rejectUnauthorized: false, ...own }, () => {
    handshake = true;
    speak();
  });
}

function speak(): void {
  if (options.say === "hello") socket.write(hello());
  else if (options.say) socket.write(Buffer.from(options.say, "hex"));
}

function hello(): Buffer {
  const value = control.Hello.create({ protocolVersion: 1, session: 4711, ciphers: ["aes-256-gcm"], software: "test" });
  const body = control.ControlMessage.encode({ message: { $case: "hello", value } }).finish();
  const frame = Buffer.alloc(PREFIX_BYTES + body.length);
  frame.writeUInt32BE(body.length);
  frame.set(body, PREFIX_BYTES);
  return frame;
}

function finish(closed: boolean): void {
  clearTimeout(patience);
  const bytes = Buffer.concat(received);
  const messages = handshake ? decode(bytes) : [];
  const refuse = messages.find((message) => message?.$case === "refuse");
  const result: TlsPeerResult = {
    handshake,
    closed,
    elapsedMs: performance.now() - startMs,
    error,
    bytesReceived: bytes.length,
    messages: messages.map((message) => message?.$case ?? "unknown"),
    refusal: refuse?.$case === "refuse" ? refuse.value.code : "",
  };
  console.log(JSON.stringify(result));
  process.exit(0);
}

function decode(bytes: Buffer): control.ControlMessage["message"][] {
  const messages: control.ControlMessage["message"][] = [];
  let at = 0;
  while (at + PREFIX_BYTES <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    messages.push(control.ControlMessage.decode(bytes.subarray(at + PREFIX_BYTES, at + PREFIX_BYTES + length)).message);
    at += PREFIX_BYTES + length;
  }
  return messages;
}
