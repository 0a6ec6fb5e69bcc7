import { run, start } from "../process.ts";

export interface IperfOptions {
  readonly clientNamespace: string;
  readonly serverNamespace: string;
  readonly host: string;
  readonly seconds: number;
  /** Left out of the result at the beginning. */
  readonly omitSeconds?: number;
  /** `download`: the server sends. */
  readonly direction?: "upload" | "download";
  readonly congestionControl?: "cubic" | "bbr";
  /** Parallel flows. */
  readonly flows?: number;
  /** UDP at this rate instead of TCP. */
  readonly udpMbit?: number;
  /** TCP: the application sends no more than this. */
  readonly paceMbit?: number;
  /** UDP payload or TCP write size. */
  readonly payloadBytes?: number;
  /** Multipath TCP on both ends, by mptcpize. */
  readonly mptcp?: boolean;
  readonly port?: number;
}

export interface IperfResult {
  /** Goodput at the receiver, without the omitted seconds. */
  readonly mbit: number;
  /** TCP segments that the sender sent again. */
  readonly retransmits: number;
  /** Share of UDP datagrams that did not arrive. */
  readonly lossRatio: number;
  readonly packets: number;
  readonly outOfOrder: number;
  /** Goodput per second as the measuring end saw it. */
  readonly secondsMbit: readonly number[];
}

const DEFAULT_PORT = 5201;
const START_MARGIN_MS = 20_000;
/** A server that serves one run ends by itself. */
const SERVER_EXIT_MS = 500;

/** One iperf3 run with a server of its own. */
export async function iperf(options: IperfOptions): Promise<IperfResult> {
  const port = String(options.port ?? DEFAULT_PORT);
  const wrap = options.mptcp ? ["mptcpize", "run"] : [];
  const server = start([...wrap, "iperf3", "-s", "-1", "-B", options.host, "-p", port, "--forceflush"], {
    namespace: options.serverNamespace,
  });
  try {
    await firstLine(server.lines, "listening");
    const seconds = options.seconds + (options.omitSeconds ?? 0);
    const out = await run([...wrap, "iperf3", "-J", "-c", options.host, "-p", port, ...flags(options)], {
      namespace: options.clientNamespace,
      timeoutMs: seconds * 1000 + START_MARGIN_MS,
    });
    await Promise.race([server.exited, new Promise((resolve) => setTimeout(resolve, SERVER_EXIT_MS))]);
    return parse(out, options.congestionControl);
  } finally {
    await server.stop();
  }
}

function flags(options: IperfOptions): string[] {
  return [
    "-t",
    String(options.seconds),
    ...(options.omitSeconds ? ["-O", String(options.omitSeconds)] : []),
    ...(options.direction === "download" ? ["-R"] : []),
    ...(options.congestionControl ? ["-C", options.congestionControl] : []),
    ...(options.flows ? ["-P", String(options.flows)] : []),
    ...(options.udpMbit ? ["-u", "-b", `${options.udpMbit}M`] : []),
    ...(options.paceMbit ? ["-b", `${options.paceMbit}M`] : []),
    ...(options.payloadBytes ? ["-l", String(options.payloadBytes)] : []),
  ];
}

interface IperfSum {
  readonly bits_per_second: number;
  readonly retransmits?: number;
  readonly lost_percent?: number;
  readonly packets?: number;
  readonly omitted?: boolean;
}

interface IperfReport {
  readonly error?: string;
  readonly intervals: readonly { readonly sum: IperfSum }[];
  readonly end: {
    readonly sum?: IperfSum;
    readonly sum_sent?: IperfSum;
    readonly sum_received?: IperfSum;
    readonly sender_tcp_congestion?: string;
    readonly streams: readonly { readonly udp?: { readonly out_of_order?: number } }[];
  };
}

function parse(out: string, congestionControl: string | undefined): IperfResult {
  const report = JSON.parse(out) as IperfReport;
  if (report.error) throw new Error(`iperf3: ${report.error}`);
  const used = report.end.sender_tcp_congestion;
  if (congestionControl !== undefined && used !== congestionControl) {
    throw new Error(`iperf3 sent with ${used} although ${congestionControl} was asked for`);
  }
  const received = report.end.sum_received ?? report.end.sum;
  if (!received) throw new Error("iperf3 reported no sum");
  const udp = report.end.sum;
  return {
    mbit: received.bits_per_second / 1e6,
    retransmits: report.end.sum_sent?.retransmits ?? 0,
    lossRatio: (udp?.lost_percent ?? 0) / 100,
    packets: udp?.packets ?? 0,
    outOfOrder: report.end.streams[0]?.udp?.out_of_order ?? 0,
    secondsMbit: report.intervals.filter(({ sum }) => !sum.omitted).map(({ sum }) => sum.bits_per_second / 1e6),
  };
}

/** Waits until a program has said something that contains `text`. */
async function firstLine(lines: AsyncIterable<string>, text: string): Promise<void> {
  for await (const line of lines) if (line.includes(text)) return;
  throw new Error(`the program ended before it said "${text}"`);
}
