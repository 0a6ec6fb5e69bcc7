/**
 * What every table measures in. Topology: test/lab/topology.ts. The internet host has two addresses: one that the client
 * reaches through the tunnel, one that it reaches straight over its links (for plain TCP and MPTCP), so that both
 * are measured in turn in the same run, over the same links, with both ends of the product running.
 */
import { createHash } from "node:crypto";
import { INTERNET_HOST } from "../lab/plan.ts";
import { run } from "../lab/process.ts";
import { type Instance, startPair } from "../lab/product.ts";
import type { LinkProfile } from "../lab/profiles.ts";
import { removeLab } from "../lab/state.ts";
import { createLab, type Lab } from "../lab/topology.ts";
import { type IperfOptions, type IperfResult, iperf } from "../lab/traffic/iperf.ts";
import { enableMptcp } from "./mptcp.ts";

export const TUNNELLED_HOST = INTERNET_HOST;
export const DIRECT_HOST = "198.51.100.3";
/** Another copy of the repository on the same machine has a lab of its own. */
const PREFIX = `b${createHash("sha256")
  .update(import.meta.url)
  .digest("hex")
  .slice(0, 6)}`;

/** An iperf run without its ends. */
export type FlowOptions = Omit<IperfOptions, "clientNamespace" | "serverNamespace" | "host">;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const INTERRUPTED_STATUS = 130;

export interface BenchLab {
  readonly lab: Lab;
  readonly server: Instance;
  readonly client: Instance;
}

export interface BenchLabOptions {
  readonly links: readonly LinkProfile[];
  readonly unshaped?: boolean;
  readonly tcpBufferBytes?: number | undefined;
}

/** Builds lab and product, calls `measure`, removes both whatever happens, be it an interruption. */
export async function withBenchLab<T>(options: BenchLabOptions, measure: (bench: BenchLab) => Promise<T>): Promise<T> {
  const interruption = new Interruption();
  try {
    const lab = await createLab({ prefix: PREFIX, ...options });
    await run(["ip", "-n", lab.internet, "address", "add", `${DIRECT_HOST}/24`, "dev", "eth0"]);
    if (!options.unshaped) await enableMptcp(lab);
    const routing = { mode: "split", routes: [`${TUNNELLED_HOST}/32`] };
    return await measure({ lab, ...(await startPair(lab, { routing })) });
  } finally {
    await interruption.end();
  }
}

/** Removes the lab at SIGINT or SIGTERM and ends the process. What was measured then fails in a lab that falls apart: nobody wants to read of it. */
class Interruption {
  #exit: Promise<never> | undefined;
  readonly #onSignal = (): void => {
    this.#exit ??= removeLab(PREFIX).finally(() => process.exit(INTERRUPTED_STATUS)) as Promise<never>;
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  /** Removes the lab; returns unless the process was told to end. */
  async end(): Promise<void> {
    await this.#exit;
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    await removeLab(PREFIX);
  }
}

/** iperf3 between client and internet host, through the tunnel, which is made sure of before and after. */
export async function iperfTunnelled(bench: BenchLab, options: FlowOptions): Promise<IperfResult> {
  await requireTunnel(bench);
  const result = await iperf({ ...ends(bench, TUNNELLED_HOST), ...options });
  await requireTunnel(bench);
  return result;
}

/** The same, straight over the links. */
export async function iperfDirect(bench: BenchLab, options: FlowOptions): Promise<IperfResult> {
  return iperf({ ...ends(bench, DIRECT_HOST), ...options });
}

/** A figure of traffic that went past the tunnel would be a lie. */
export async function requireTunnel(bench: BenchLab): Promise<void> {
  const route = await run(["ip", "route", "get", TUNNELLED_HOST], { namespace: bench.lab.client.namespace });
  if (route.includes(" dev edgebos0 ")) return;
  const status = await bench.client.command("status").catch(String);
  throw new Error(`${TUNNELLED_HOST} is not reached through the tunnel but by: ${route.trim()}\n${status}`);
}

function ends(bench: BenchLab, host: string): Pick<IperfOptions, "clientNamespace" | "serverNamespace" | "host"> {
  return { clientNamespace: bench.lab.client.namespace, serverNamespace: bench.lab.internet, host };
}
