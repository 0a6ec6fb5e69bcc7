import type { Metrics } from "@edgebos/service";
import { algorithmName } from "./plan/algorithm.ts";
import type { PlanState } from "./plan/make-plan.ts";

/** Every metric of the service. `present` is called at each scrape. */
export function declareMetrics(metrics: Metrics, present: () => PlanState | undefined): void {
  const labels = ["peer", "link"] as const;
  const revision = metrics.gauge("edgebos_plan_revision", "Revision of the present forwarding plan");
  const created = metrics.gauge("edgebos_plan_created_timestamp_seconds", "When the present plan was made");
  const algorithm = metrics.gauge("edgebos_plan_algorithm", "1 for the algorithm of the plan", ["algorithm"]);
  const enabled = metrics.gauge(
    "edgebos_plan_link_enabled",
    "1 if the plan lets the link carry traffic, 0 if it rests",
    labels,
  );
  const weight = metrics.gauge("edgebos_plan_link_weight", "Relative share of the link in the plan", labels);
  const limit = metrics.gauge(
    "edgebos_plan_link_limit_bits_per_second",
    "Configured ceiling of the link; 0 = none",
    labels,
  );

  metrics.onCollect(() => {
    for (const perLink of [algorithm, enabled, weight, limit]) perLink.reset();
    const plan = present()?.plan;
    if (plan === undefined) return;
    revision.set(plan.revision);
    created.set(plan.createdMs / 1000);
    algorithm.set({ algorithm: algorithmName(plan.algorithm) }, 1);
    for (const { peer, link, ...entry } of plan.links) {
      enabled.set({ peer, link }, entry.enabled ? 1 : 0);
      weight.set({ peer, link }, entry.weight);
      limit.set({ peer, link }, entry.rateLimitBps);
    }
  });
}
