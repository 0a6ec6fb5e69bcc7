import { percentile } from "../lab/traffic/figures.ts";
import { ping } from "../lab/traffic/ping.ts";
import { type BenchLab, TUNNELLED_HOST } from "./bench-lab.ts";
import { sleep } from "./repeat.ts";

export const PINGS_PER_SECOND = 20;

/** Round-trip times of pings through the tunnel for `seconds`, from `afterSeconds` on. */
export async function pingTunnelled(bench: BenchLab, seconds: number, afterSeconds = 0): Promise<readonly number[]> {
  await sleep(afterSeconds * 1000);
  const { rttsMs } = await ping({
    namespace: bench.lab.client.namespace,
    host: TUNNELLED_HOST,
    count: Math.ceil(seconds * PINGS_PER_SECOND),
    intervalMs: 1000 / PINGS_PER_SECOND,
  });
  return rttsMs;
}

export function p95(rttsMs: readonly number[]): number {
  return percentile(rttsMs, 0.95);
}
