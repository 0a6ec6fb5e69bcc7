import { CommandError, run } from "../process.ts";

export interface PingOptions {
  readonly namespace: string;
  readonly host: string;
  readonly count: number;
  readonly intervalMs: number;
  readonly payloadBytes?: number;
  /** With the don't-fragment bit, also where the device would fragment. */
  readonly whole?: boolean;
  /** Source address or device. */
  readonly from?: string;
  /** Differentiated services code point; the answers have the same. Default 0. */
  readonly dscp?: number;
}

export interface PingResult {
  readonly sent: number;
  /** One entry per answer, in order of arrival. */
  readonly rttsMs: readonly number[];
}

const ANSWER_WAIT_S = 3;

/** ICMP echo by ping(8). No answer at all is a result, not an error. */
export async function ping(options: PingOptions): Promise<PingResult> {
  const size = options.payloadBytes === undefined ? [] : ["-s", String(options.payloadBytes)];
  const whole = options.whole === true ? ["-M", "do"] : [];
  const from = options.from === undefined ? [] : ["-I", options.from];
  const tos = options.dscp === undefined ? [] : ["-Q", String(options.dscp << 2)];
  const pace = ["-c", String(options.count), "-i", String(options.intervalMs / 1000), "-W", String(ANSWER_WAIT_S)];
  const out = await run(["ping", "-n", ...pace, ...size, ...whole, ...from, ...tos, options.host], {
    namespace: options.namespace,
  }).catch((error: unknown) => {
    if (error instanceof CommandError && error.exitCode === 1) return error.stdout;
    throw error;
  });
  return {
    sent: Number(/(\d+) packets transmitted/.exec(out)?.[1] ?? options.count),
    rttsMs: [...out.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1])),
  };
}
