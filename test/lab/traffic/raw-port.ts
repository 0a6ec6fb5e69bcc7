import { type Dialogue, startDialogue } from "../dialogue.ts";

export interface RawPortOptions {
  readonly namespace: string;
  readonly device: string;
  /** Addresses with prefix length of the namespace's own end; every other address of these networks is played by the port. */
  readonly addresses: readonly string[];
  /** Send each packet back to where it came from. */
  readonly echo: boolean;
}

/** A host behind a TUN device that sends and receives IP packets as they are. */
export interface RawPort {
  send(packet: Uint8Array): void;
  /** The next packet that came for the host; undefined if none comes within `timeoutMs`. */
  receive(timeoutMs: number): Promise<Buffer | undefined>;
  stop(): Promise<void>;
}

const PROGRAM = new URL("./raw-port-program.ts", import.meta.url);

/** Resolves when the device is up. */
export async function openRawPort(options: RawPortOptions): Promise<RawPort> {
  const { namespace, device, addresses, echo } = options;
  const program = startDialogue({
    namespace,
    program: PROGRAM,
    arguments: [device, echo ? "echo" : "collect", ...addresses],
  });
  await program.hear();
  return {
    send: (packet) => program.say(Buffer.from(packet).toString("hex")),
    receive: (timeoutMs) => receive(program, timeoutMs),
    stop: () => program.stop(),
  };
}

async function receive(program: Dialogue, timeoutMs: number): Promise<Buffer | undefined> {
  return program.hear(timeoutMs).then(
    (line) => Buffer.from(line, "hex"),
    () => undefined,
  );
}
