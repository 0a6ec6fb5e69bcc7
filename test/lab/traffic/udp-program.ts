/**
 * Counted UDP: `udp-program.ts send <host> <port> <packets per second> <payload bytes> <seconds>` and
 * `udp-program.ts receive <port> <idle ms> <receive buffer bytes>`. Each datagram carries its number and the time of sending on the
 * machine's monotonic clock, which all namespaces share. The receiver says "listening", with the first datagram "receiving", then, when nothing
 * has come for the idle time or on SIGTERM, one {@link UdpReceived} as JSON; the sender one {@link UdpSent}.
 */
import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { percentile } from "./figures.ts";

export interface UdpSent {
  readonly packets: number;
}

export interface UdpReceived {
  /** Different numbers that arrived. */
  readonly packets: number;
  readonly duplicates: number;
  /** Came after a higher number. */
  readonly outOfOrder: number;
  /** Highest number + 1. */
  readonly numbers: number;
  readonly longestGapMs: number;
  readonly delayP50Ms: number;
  readonly delayP95Ms: number;
  readonly delayP99Ms: number;
  /** Source addresses seen. */
  readonly sources: readonly string[];
}

const HEADER_BYTES = 16;
/** Also ends every wait of the sender: datagrams of one tick leave back to back. */
const TICK_MS = 1;

async function send([host, port, rate, size, seconds]: string[]): Promise<void> {
  const socket = createSocket(isIPv6(host!) ? "udp6" : "udp4");
  await new Promise<void>((resolve) => socket.connect(Number(port), host, resolve));
  socket.on("error", () => {});
  const payload = Buffer.alloc(Math.max(HEADER_BYTES, Number(size)));
  const total = Math.round(Number(rate) * Number(seconds));
  const startMs = performance.now();
  let packets = 0;
  while (packets < total) {
    const due = Math.min(total, Math.ceil(((performance.now() - startMs) / 1000) * Number(rate)));
    while (packets < due) {
      payload.writeUInt32BE(packets++, 0);
      payload.writeDoubleBE(clockMs(), 8);
      socket.send(Buffer.from(payload), () => {});
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  console.log(JSON.stringify({ packets } satisfies UdpSent));
  socket.close();
}

function receive([port, idleMs, bufferBytes]: string[]): void {
  const socket = createSocket({ type: "udp6", ipv6Only: false });
  const tally = new Tally();
  let idleTimer: NodeJS.Timeout | undefined;
  const finish = (): void => report(socket, tally);
  socket.on("message", (message, remote) => {
    tally.add(message, remote.address);
    if (!idleTimer) console.log("receiving");
    idleTimer ??= setTimeout(finish, Number(idleMs));
    idleTimer.refresh();
  });
  process.on("SIGTERM", finish);
  socket.bind(Number(port), () => {
    if (Number(bufferBytes) > 0) socket.setRecvBufferSize(Number(bufferBytes));
    console.log("listening");
  });
}

function report(socket: Socket, tally: Tally): void {
  console.log(JSON.stringify(tally.result()));
  socket.close();
  process.exit(0);
}

class Tally {
  readonly #seen = new Set<number>();
  readonly #delaysMs: number[] = [];
  readonly #sources = new Set<string>();
  #duplicates = 0;
  #outOfOrder = 0;
  #highest = -1;
  #lastMs = 0;
  #longestGapMs = 0;

  add(message: Buffer, source: string): void {
    const nowMs = clockMs();
    const number = message.readUInt32BE(0);
    this.#sources.add(source.replace("::ffff:", ""));
    if (this.#seen.has(number)) {
      this.#duplicates++;
      return;
    }
    this.#seen.add(number);
    this.#delaysMs.push(nowMs - message.readDoubleBE(8));
    if (number < this.#highest) this.#outOfOrder++;
    this.#highest = Math.max(this.#highest, number);
    if (this.#lastMs > 0) this.#longestGapMs = Math.max(this.#longestGapMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  result(): UdpReceived {
    return {
      packets: this.#seen.size,
      duplicates: this.#duplicates,
      outOfOrder: this.#outOfOrder,
      numbers: this.#highest + 1,
      longestGapMs: this.#longestGapMs,
      delayP50Ms: percentile(this.#delaysMs, 0.5),
      delayP95Ms: percentile(this.#delaysMs, 0.95),
      delayP99Ms: percentile(this.#delaysMs, 0.99),
      sources: [...this.#sources],
    };
  }
}

/** CLOCK_MONOTONIC in milliseconds, comparable between processes. */
function clockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const [, , mode, ...rest] = process.argv;
if (mode === "send") await send(rest);
else if (mode === "receive") receive(rest);
else throw new Error("usage: udp-program.ts send … | receive …");
