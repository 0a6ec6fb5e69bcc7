import type { management } from "@edgebos/proto";
import type { Health } from "@edgebos/service";

/** What this service says of itself, in the shape in which it reports the others. */
export function ownStatus(health: Health): () => management.ServiceStatus {
  const startedMs = Math.round(Date.now() - process.uptime() * 1000);
  return () => {
    const { healthy, detail } = health.report();
    return { name: "api", healthy, detail, pid: process.pid, startedMs, rssBytes: process.memoryUsage.rss() };
  };
}
