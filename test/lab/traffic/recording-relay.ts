import { startDialogue } from "../dialogue.ts";
import { run } from "../process.ts";
import type { Recording } from "./recording-relay-program.ts";

export type { Recording } from "./recording-relay-program.ts";

export interface RelayOptions {
  /** A namespace that routes between client and server. */
  readonly namespace: string;
  readonly clientAddress: string;
  readonly serverAddress: string;
  readonly serverPort: number;
}

export interface RecordingRelay {
  recording(): Promise<Recording>;
  stop(): Promise<void>;
}

const RELAY_PORT = 19_443;
const TABLE = "lab_relay";

/** Puts a recording relay into the way of one client address's datagrams; to the server it looks like a NAT. */
export async function startRelay(options: RelayOptions): Promise<RecordingRelay> {
  const { namespace, clientAddress, serverAddress, serverPort } = options;
  const program = startDialogue({
    namespace,
    program: new URL("./recording-relay-program.ts", import.meta.url),
    arguments: [String(RELAY_PORT), serverAddress, String(serverPort)],
  });
  await program.hear();
  const redirect = `ip saddr ${clientAddress} udp dport ${serverPort} redirect to :${RELAY_PORT}`;
  await run(["nft", "-f", "-"], {
    namespace,
    input: `table ip ${TABLE} { chain prerouting { type nat hook prerouting priority dstnat; ${redirect}; }; }\n`,
  });
  return {
    recording: async () => {
      program.say("");
      return JSON.parse(await program.hear()) as Recording;
    },
    stop: async () => {
      await run(["nft", "delete", "table", "ip", TABLE], { namespace });
      await program.stop();
    },
  };
}
