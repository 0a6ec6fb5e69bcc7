import { join } from "node:path";
import type { Instance, Role } from "../lab/product.ts";
import { getText, startRelay } from "../lab/relay.ts";
import type { BenchLab } from "./bench-lab.ts";

/** `listen.metrics.dataplane` of a configuration that does not say. */
const DATAPLANE_PORT: Readonly<Record<Role, number>> = { client: 9101, server: 9111 };

/** Bytes that one end has sent on all its paths since it started, with IP and UDP headers, and what they were for. */
export interface SentBytes {
  readonly total: number;
  readonly acks: number;
  readonly probes: number;
  readonly repairs: number;
}

/** The dataplane's Prometheus metrics at both ends. */
export interface ProductMetrics {
  sentBytes(role: Role): Promise<SentBytes>;
}

export async function openMetrics({ lab, client, server }: BenchLab): Promise<ProductMetrics> {
  const sockets: Record<Role, string> = {
    client: join(lab.directory, "client-metrics.sock"),
    server: join(lab.directory, "server-metrics.sock"),
  };
  const open = ({ role, namespace }: Instance) =>
    startRelay({
      namespace,
      listen: `unix:${sockets[role]}`,
      connect: `tcp:127.0.0.1:${DATAPLANE_PORT[role]}`,
      detached: true,
    });
  await Promise.all([open(client), open(server)]);
  return {
    async sentBytes(role) {
      const text = await getText(sockets[role], "/metrics");
      return {
        total: sumOf(text, "edgebos_path_transmit_bytes_total"),
        acks: sumOf(text, "edgebos_path_ack_bytes_total"),
        probes: sumOf(text, "edgebos_path_probe_bytes_total"),
        repairs: sumOf(text, "edgebos_path_repaired_bytes_total"),
      };
    },
  };
}

/** What was sent between two readings. */
export function sentSince(before: SentBytes, after: SentBytes): SentBytes {
  return {
    total: after.total - before.total,
    acks: after.acks - before.acks,
    probes: after.probes - before.probes,
    repairs: after.repairs - before.repairs,
  };
}

/** Sum over all label sets. A metric that is not there is a mistake of ours, not zero. */
function sumOf(text: string, metric: string): number {
  const values = [...text.matchAll(new RegExp(`^${metric}\\{[^}]*\\} (\\S+)$`, "gm"))].map(([, value]) =>
    Number(value),
  );
  if (values.length === 0) throw new Error(`no metric ${metric}`);
  return values.reduce((sum, value) => sum + value, 0);
}
