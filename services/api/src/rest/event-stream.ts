import type { ServerResponse } from "node:http";
import type { management } from "@edgebos/proto";
import type { Management } from "../management/management.ts";

/** Comment lines that keep proxies and browsers from giving up. */
const HEARTBEAT_MS = 15_000;
/** How soon a browser connects again after a loss. */
const RECONNECT_MS = 1000;

/**
 * Writes a watch as server-sent events until the reader goes away: `event:` is the topic's payload name and `data:` one WatchEvent. Throws
 * ManagementError before anything is written if the watch is refused.
 */
export function streamWatch(
  core: Management,
  topics: readonly string[],
  response: ServerResponse,
  json: (event: management.WatchEvent) => string,
): void {
  const heartbeat = setInterval(() => response.write(":\n\n"), HEARTBEAT_MS);
  const begin = () => {
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    response.write(`retry: ${RECONNECT_MS}\n\n`);
  };
  const send = (event: management.WatchEvent) => {
    if (!response.headersSent) begin();
    return response.write(`event: ${event.payload?.$case ?? "message"}\ndata: ${json(event)}\n\n`);
  };
  try {
    const watch = core.watch(topics, { send, end: () => response.end() });
    response.on("drain", () => watch.resume());
    response.on("close", () => {
      clearInterval(heartbeat);
      watch.close();
    });
    if (!response.headersSent) begin();
  } catch (error) {
    clearInterval(heartbeat);
    throw error;
  }
}
