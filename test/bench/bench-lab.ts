/**
 * What every table measures in. Topology: test/lab/topology.ts. The internet host has two addresses: one that the client
 * reaches through the tunnel, one that it reaches straight over its links (for plain TCP and MPTCP), so that both
 * are measured in turn in the same run, over the same links, with both ends of the product running.
 */
import { INTERNET_HOST } from "../lab/plan.ts";
import { run } from "../lab/process.ts";
import { type Instance, startPair } from "../lab/product.ts";
import type { LinkProfile } from "../lab/profiles.ts";
import { createLab, type Lab } from "../lab/topology.ts";
import type { IperfOptions } from "../lab/traffic/iperf.ts";
import { enableMptcp } from "./mptcp.ts";

export const TUNNELLED_HOST = INTERNET_HOST;
export const DIRECT_HOST = "198.51.100.3";
const PREFIX = "bench";

export interface BenchLab {
  readonly lab: Lab;
  readonly server: Instance;
  readonly client: Instance;
}

export interface BenchLabOptions {
  readonly links: readonly LinkProfile[];
  readonly unshaped?: boolean;
  readonly tcpBufferBytes?: number;
}

/** Builds lab and product, calls `measure`, removes both whatever happens. */
export async function withBenchLab<T>(options: BenchLabOptions, measure: (bench: BenchLab) => Promise<T>): Promise<T> {
  const lab = await createLab({ prefix: PREFIX, ...options });
  try {
    await run(["ip", "-n", lab.internet, "address", "add", `${DIRECT_HOST}/24`, "dev", "eth0"]);
    if (!options.unshaped) await enableMptcp(lab);
    const routing = { mode: "split", routes: [`${TUNNELLED_HOST}/32`] };
    return await measure({ lab, ...(await startPair(lab, { routing })) });
  } finally {
    await lab.destroy();
  }
}

/** The ends of an iperf run in a bench lab. */
export function ends(
  bench: BenchLab,
  host: string,
): Pick<IperfOptions, "clientNamespace" | "serverNamespace" | "host"> {
  return { clientNamespace: bench.lab.client.namespace, serverNamespace: bench.lab.internet, host };
}
