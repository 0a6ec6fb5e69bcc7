import type { BondLab } from "./bond-lab.ts";

/** Starts to watch where inner packets go lost between the two ends. The result says, for a failure's message, what was counted since. */
export async function watchLosses(bond: BondLab): Promise<() => Promise<string>> {
  const before = await counts(bond);
  return async () => {
    const now = await counts(bond);
    return Object.entries(now)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, count]) => count !== 0)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  };
}

async function counts(bond: BondLab): Promise<Record<string, number>> {
  const [client, server] = [(await bond.client.status()).peers[0], (await bond.server.status()).peers[0]];
  return {
    "client took": client?.txPackets ?? 0,
    "client's queue dropped": client?.queueDrops ?? 0,
    "server gave on": server?.rxPackets ?? 0,
    "server gave up gaps": server?.skippedGaps ?? 0,
    "server took": server?.txPackets ?? 0,
    "server's queue dropped": server?.queueDrops ?? 0,
    "client gave on": client?.rxPackets ?? 0,
    "client gave up gaps": client?.skippedGaps ?? 0,
  };
}
