import { run } from "../lab/process.ts";
import type { Lab } from "../lab/topology.ts";

/** Lets the first client's kernel open one MPTCP subflow per link, to any server. */
export async function enableMptcp(lab: Lab): Promise<void> {
  const { namespace, links } = lab.client;
  for (const each of [namespace, lab.internet]) {
    await run(["ip", "-n", each, "mptcp", "limits", "set", "subflows", "8", "add_addr_accepted", "8"]);
  }
  for (const link of links) {
    await run(["ip", "-n", namespace, "mptcp", "endpoint", "add", link.address, "dev", link.device, "subflow"]);
  }
}
