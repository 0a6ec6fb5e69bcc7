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
  /** The receiver gives up waiting after this. Default 1500, longer than any path holds a packet. */
  readonly idleMs?: number;
  /** The first datagram has arrived. */
  readonly onArrival?: () => void;
}

export interface UdpFlowResult extends UdpReceived {
  readonly sent: number;
  readonly lost: number;
}

const PROGRAM = fileURLToPath(new URL("./udp-program.ts", import.meta.url));
const DEFAULT_PORT = 5301;
const DEFAULT_IDLE_MS = 1500;

/** One counted flow of UDP datagrams; see udp-program.ts for the figures. */
export async function udpFlow(options: UdpFlowOptions): Promise<UdpFlowResult> {
  const port = String(options.port ?? DEFAULT_PORT);
  const idleMs = options.idleMs ?? DEFAULT_IDLE_MS;
  const receiver = start(
    [process.execPath, PROGRAM, "receive", port, String(idleMs), String(options.receiveBufferBytes ?? 0)],
    { namespace: options.toNamespace },
  );
  const lines = receiver.lines[Symbol.asyncIterator]();
  try {
    await lines.next();
    const result = resultOf(lines, options.onArrival);
    const { packetsPerSecond, payloadBytes, seconds, host } = options;
    const out = await run(
      [process.execPath, PROGRAM, "send", host, port, String(packetsPerSecond), String(payloadBytes), String(seconds)],
      { namespace: options.fromNamespace },
    );
    const sent = (JSON.parse(out) as UdpSent).packets;
    const stopper = setTimeout(() => void receiver.stop(), 2 * idleMs);
    const received = await result;
    clearTimeout(stopper);
    return { ...received, sent, lost: sent - received.packets };
  } finally {
    await receiver.stop();
  }
}

async function resultOf(lines: AsyncIterator<string>, onArrival: () => void = () => {}): Promise<UdpReceived> {
  for (;;) {
    const line = await lines.next();
    if (line.done) throw new Error("the UDP receiver ended without a result");
    if (line.value !== "receiving") return JSON.parse(line.value) as UdpReceived;
    onArrival();
  }
}
