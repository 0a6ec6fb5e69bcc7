import { common, type link } from "@edgebos/proto";
import type { Metrics } from "@edgebos/service";
import type { KernelWatchStats } from "./kernel/kernel-watch.ts";

const { LinkCondition } = common;

/** What the service counts besides what the links themselves hold. */
export interface LinkmonCounters {
  readonly kernel: KernelWatchStats;
  routingCommands: number;
  routingFailures: number;
}

/**
 * Every metric of the service. `read` is called at each scrape. Returns the counter of condition changes, which only
 * events can feed.
 */
export function declareMetrics(metrics: Metrics, links: () => link.Link[], read: () => LinkmonCounters) {
  const gauge = <T extends string>(name: string, help: string, labels: readonly T[]) =>
    metrics.gauge(`edgebos_link_${name}`, help, labels);
  const info = gauge("info", "1 for each link, with its kind and role as labels", ["link", "kind", "role"]);
  const condition = gauge("condition", "1 for the condition a link is in, 0 for the others", ["link", "condition"]);
  const rtt = gauge("rtt_seconds", "Smoothed round-trip time over the link", ["link"]);
  const minRtt = gauge("min_rtt_seconds", "Lowest round-trip time seen over the link", ["link"]);
  const jitter = gauge("jitter_seconds", "Mean deviation of the round-trip time", ["link"]);
  const loss = gauge("loss_ratio", "Share of packets lost, the worse of both directions", ["link"]);
  const capacity = gauge("capacity_bits_per_second", "Estimated capacity; 0 = not known", ["link", "direction"]);
  const rate = gauge("rate_bits_per_second", "Rate over the link in IP packets", ["link", "direction"]);
  const stability = gauge("stability_ratio", "Share of the last ten minutes in which the link was up", ["link"]);
  const service = (name: string, help: string) => metrics.counter(`edgebos_linkmon_${name}_total`, help);
  const netlinkEvents = service("netlink_events", "Netlink events");
  const overruns = service("netlink_overruns", "Times that netlink events were lost and everything was read again");
  const dumps = service("netlink_dumps", "Times that links, addresses and routes were read");
  const commands = service("routing_commands", "Commands given to `ip` for source routing");
  const failures = service("routing_failures", "Commands that `ip` refused");

  metrics.onCollect(() => {
    for (const perLink of [info, condition, rtt, minRtt, jitter, loss, capacity, rate, stability]) perLink.reset();
    for (const { name, kind, role, quality, ...rest } of links()) {
      info.set({ link: name, kind: short(common.linkKindToJSON(kind)), role: short(common.linkRoleToJSON(role)) }, 1);
      for (const value of CONDITIONS)
        condition.set({ link: name, condition: conditionLabel(value) }, +(value === rest.condition));
      if (quality === undefined) continue;
      rtt.set({ link: name }, quality.rttUs / 1e6);
      minRtt.set({ link: name }, quality.minRttUs / 1e6);
      jitter.set({ link: name }, quality.jitterUs / 1e6);
      loss.set({ link: name }, quality.lossPpm / 1e6);
      capacity.set({ link: name, direction: "up" }, quality.capacityUpBps);
      capacity.set({ link: name, direction: "down" }, quality.capacityDownBps);
      rate.set({ link: name, direction: "up" }, quality.rateUpBps);
      rate.set({ link: name, direction: "down" }, quality.rateDownBps);
      stability.set({ link: name }, quality.stability);
    }
    const { kernel, routingCommands, routingFailures } = read();
    const counts = [
      [netlinkEvents, kernel.events],
      [overruns, kernel.overruns],
      [dumps, kernel.dumps],
      [commands, routingCommands],
      [failures, routingFailures],
    ] as const;
    for (const [counter, value] of counts) {
      counter.reset();
      counter.inc(value);
    }
  });

  const changes = metrics.counter(
    "edgebos_link_condition_changes_total",
    "Changes of a link's condition, by the condition it came to",
    ["link", "condition"],
  );
  return {
    countChange: ({ name, condition: reached }: link.Link) =>
      changes.inc({ link: name, condition: conditionLabel(reached) }),
  };
}

/** The condition as a label value: `up`, `degraded`, … */
export function conditionLabel(condition: common.LinkCondition): string {
  return short(common.linkConditionToJSON(condition));
}

/** `LINK_KIND_USB_TETHERING` → `usb_tethering`. */
function short(json: string): string {
  return json.replace(/^LINK_(KIND|ROLE|CONDITION)_/, "").toLowerCase();
}

const CONDITIONS = [
  LinkCondition.DOWN,
  LinkCondition.CONNECTING,
  LinkCondition.UP,
  LinkCondition.DEGRADED,
  LinkCondition.STALLED,
] as const;
