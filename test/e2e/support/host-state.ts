import { run } from "../../lab/process.ts";
import { processesIn } from "../../lab/state.ts";

/** What an instance may leave behind in a network namespace. Two of these are equal when nothing was. */
export interface HostState {
  readonly interfaces: readonly string[];
  readonly addresses: readonly string[];
  readonly rules: readonly string[];
  readonly routes: readonly string[];
  readonly nftables: readonly string[];
  readonly settings: readonly string[];
  readonly processes: readonly number[];
}

/** Settings below /proc/sys/net that forwarding and several uplinks touch. */
const SETTINGS =
  "ipv4/ip_forward ipv4/conf/*/rp_filter ipv4/conf/*/src_valid_mark ipv6/conf/*/forwarding ipv6/conf/*/accept_ra";

export async function hostState(namespace: string): Promise<HostState> {
  const lines = async (...argv: string[]): Promise<string[]> => {
    const out = await run(argv, { namespace });
    return out
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean)
      .sort();
  };
  const both = async (...argv: string[]): Promise<string[]> => [
    ...(await lines("ip", "-4", ...argv)),
    ...(await lines("ip", "-6", ...argv)),
  ];
  return {
    interfaces: (await lines("ip", "-oneline", "link", "show")).map((line) => line.split(": ")[1]!),
    addresses: await lines("ip", "-oneline", "address", "show", "scope", "global"),
    rules: await both("rule", "show"),
    routes: await both("route", "show", "table", "all"),
    nftables: await lines("nft", "list", "tables"),
    settings: await lines("sh", "-c", `cd /proc/sys/net && grep -H . ${SETTINGS} 2>/dev/null`),
    processes: await processesIn(namespace),
  };
}
