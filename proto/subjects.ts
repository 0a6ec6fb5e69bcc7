/** Every NATS subject and JetStream KV bucket of the system. Nothing else spells one out. */

/** JetStream KV buckets hold desired and present state: a service that starts late reads them and then watches. */
export const BUCKETS = {
  /** Key `current`: ConfigurationDocument, written by api. */
  configuration: "edgebos-config",
  /** Key = interface name: Link, written by linkmon. */
  links: "edgebos-links",
  /** Key `current`: ForwardingPlan, written by scheduler. */
  plan: "edgebos-plan",
} as const;

/** The key of buckets that hold one document. */
export const CURRENT = "current";

/** Subjects of one node; `node` is the node's name with everything but letters, digits, `-` and `_` replaced. */
export function subjects(node: string) {
  const base = `edgebos.${node.replace(/[^A-Za-z0-9_-]/g, "_")}`;
  return {
    /** PathTelemetry, twice a second, from dataplane. */
    pathTelemetry: `${base}.telemetry.paths`,
    /** LinkChanged, from linkmon. */
    linkChanged: `${base}.link.changed`,
    /** Event, from any service; `area` is the service. */
    event: (area: string) => `${base}.event.${area}`,
    allEvents: `${base}.event.*`,
  } as const;
}
