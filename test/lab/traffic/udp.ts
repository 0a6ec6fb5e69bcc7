import { fileURLToPath } from "node:url";
import { run, start } from "../process.ts";
import type { UdpReceived, UdpSent } from "./udp-program.ts";

export interface UdpFlowOptions {
  readonly fromNamespace: string;
  readonly toNamespace: string;
  readonly host: string;
  readonly port?: number;
  readonly packetsPerSecond: number;
  readonly payloadBytes: number;
  readonly seconds: number;
  /** Receive buffer; 0 = the kernel's default. */
  readonly receiveBufferBytes?: number;
}

export interface UdpFlowResult extends UdpReceived {
  readonly sent: number;
  readonly lost: number;
}

const PROGRAM = fileURLToPath(new URL("./udp-program.ts", import.meta.url));
const DEFAULT_PORT = 5301;
/** The receiver gives up waiting after this: longer than any path holds a packet. */
const IDLE_MS = 1500;

/** One counted flow of UDP datagrams; see udp-program.ts for the figures. */
export async function udpFlow(options: UdpFlowOptions): Promise<UdpFlowResult> {
  const port = String(options.port ?? DEFAULT_PORT);
  const receiver = start(
    [process.execPath, PROGRAM, "receive", port, String(IDLE_MS), String(options.receiveBufferBytes ?? 0)],
    { namespace: options.toNamespace },
  );
  const lines = receiver.lines[Symbol.asyncIterator]();
  try {
    await lines.next();
    const { packetsPerSecond, payloadBytes, seconds, host } = options;
    const out = await run(
      [process.execPath, PROGRAM, "send", host, port, String(packetsPerSecond), String(payloadBytes), String(seconds)],
      { namespace: options.fromNamespace },
    );
    const sent = (JSON.parse(out) as UdpSent).packets;
    const stopper = setTimeout(() => void receiver.stop(), 2 * IDLE_MS);
    const last = await lines.next();
    clearTimeout(stopper);
    if (last.done) throw new Error("the UDP receiver ended without a result");
    const received = JSON.parse(last.value) as UdpReceived;
    return { ...received, sent, lost: sent - received.packets };
  } finally {
    await receiver.stop();
  }
}
