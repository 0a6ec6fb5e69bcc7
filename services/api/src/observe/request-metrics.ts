import type { Metrics } from "@edgebos/service";

export type Transport = "grpc" | "rest";

/** Counts requests and measures how long they take. */
export interface RequestMetrics {
  /** Returns the function to call once with the outcome; later calls count for nothing. */
  begin(transport: Transport, method: string): (code: string) => void;
}

/** Declares the metrics of requests. */
export function requestMetrics(metrics: Metrics): RequestMetrics {
  const total = metrics.counter("edgebos_api_requests_total", "Requests answered by the management API", [
    "transport",
    "method",
    "code",
  ]);
  const seconds = metrics.histogram(
    "edgebos_api_request_seconds",
    "Time to answer a request of the management API",
    ["transport"],
    [0.001, 0.005, 0.025, 0.1, 0.5, 2],
  );
  return {
    begin(transport, method) {
      const start = performance.now();
      let open = true;
      return (code) => {
        if (!open) return;
        open = false;
        total.inc({ transport, method, code });
        if (method !== "Watch") seconds.observe({ transport }, (performance.now() - start) / 1000);
      };
    },
  };
}
