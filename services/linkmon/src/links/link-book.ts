import type { common, link, telemetry } from "@edgebos/proto";
import type { ManualInterface } from "@edgebos/service";
import type { Uplink } from "../detect/uplink.ts";
import type { Moment } from "../moment.ts";
import type { ReportState } from "../quality/condition.ts";
import type { LinkRecord } from "./link-record.ts";
import { type LinkSettings, TrackedLink } from "./tracked-link.ts";

/** What the world shall hear. */
export type LinkOutput =
  | { readonly kind: "found"; readonly link: link.Link }
  | { readonly kind: "gone"; readonly link: link.Link }
  /** The link's present state, for whoever keeps it. */
  | { readonly kind: "state"; readonly link: link.Link }
  | { readonly kind: "changed"; readonly link: link.Link; readonly previous: common.LinkCondition };

/**
 * All links and what is known of them. Pure: time comes in, outputs are polled. After any `handle*`, drain
 * `pollOutput`; call `handleTick` about once a second, because hold times run out and reports fail to come.
 */
export class LinkBook {
  readonly #role: "client" | "server";
  readonly #records: Map<string, LinkRecord>;
  readonly #links = new Map<string, TrackedLink>();
  readonly #outputs: LinkOutput[] = [];
  #manual: readonly ManualInterface[];
  #startedMs: number;
  #lastReportMs: number | undefined;
  #busConnected = true;

  constructor(
    role: "client" | "server",
    manual: readonly ManualInterface[],
    records: ReadonlyMap<string, LinkRecord>,
    now: Moment,
  ) {
    this.#role = role;
    this.#manual = manual;
    this.#records = new Map(records);
    this.#startedMs = now.ms;
  }

  /** All uplinks as found in the kernel; those not among them are gone. */
  handleUplinks(uplinks: readonly Uplink[], now: Moment): void {
    const names = new Set(uplinks.map((uplink) => uplink.name));
    for (const [name, tracked] of this.#links) if (!names.has(name)) this.#forget(name, tracked);
    for (const uplink of uplinks) {
      const tracked = this.#links.get(uplink.name) ?? this.#admit(uplink);
      tracked.handleUplink(uplink);
      this.#evaluate(tracked, now);
    }
  }

  handleTelemetry(report: telemetry.PathTelemetry, now: Moment): void {
    this.#lastReportMs = now.ms;
    const samples = new Map(report.paths.map((sample) => [sample.link, sample]));
    for (const tracked of this.#links.values()) {
      tracked.handleSample(samples.get(tracked.name), now);
      this.#evaluate(tracked, now);
    }
  }

  handleManual(manual: readonly ManualInterface[], now: Moment): void {
    this.#manual = manual;
    this.handleTick(now);
  }

  handleBus(connected: boolean): void {
    this.#busConnected = connected;
  }

  handleTick(now: Moment): void {
    for (const tracked of this.#links.values()) this.#evaluate(tracked, now);
  }

  pollOutput(): LinkOutput | undefined {
    return this.#outputs.shift();
  }

  has(name: string): boolean {
    return this.#links.has(name);
  }

  links(): link.Link[] {
    return [...this.#links.values()].flatMap((tracked) => tracked.published ?? []);
  }

  /** What must survive a restart, of present links and of those seen before. */
  records(): ReadonlyMap<string, LinkRecord> {
    for (const [name, tracked] of this.#links) this.#records.set(name, tracked.record());
    return this.#records;
  }

  #admit(uplink: Uplink): TrackedLink {
    const tracked = new TrackedLink(uplink, this.#records.get(uplink.name));
    this.#links.set(uplink.name, tracked);
    return tracked;
  }

  #forget(name: string, tracked: TrackedLink): void {
    // The generation must go on growing when the link returns; its condition and history end here.
    this.#records.set(name, { generation: tracked.record().generation });
    this.#links.delete(name);
    if (tracked.published) this.#outputs.push({ kind: "gone", link: tracked.published });
  }

  #evaluate(tracked: TrackedLink, now: Moment): void {
    const isNew = tracked.published === undefined && !tracked.restored;
    const { publish, previous } = tracked.evaluate(
      this.#role,
      this.#settingsOf(tracked.name),
      this.#reportState(now),
      now,
    );
    const link = tracked.published;
    if (link === undefined) return;
    if (isNew) this.#outputs.push({ kind: "found", link });
    if (publish) this.#outputs.push({ kind: "state", link });
    if (previous !== undefined) this.#outputs.push({ kind: "changed", link, previous });
  }

  #settingsOf(name: string): LinkSettings {
    return this.#manual.find((entry) => entry.name === name) ?? AUTOMATIC;
  }

  #reportState(now: Moment): ReportState {
    const silentMs = now.ms - (this.#lastReportMs ?? this.#startedMs);
    if (this.#lastReportMs !== undefined && silentMs < FRESH_MS) return "fresh";
    if (!this.#busConnected) return "unheard";
    return silentMs < MISSING_MS ? "late" : "missing";
  }
}

/** What holds for an interface that the configuration does not name. */
const AUTOMATIC: LinkSettings = { role: "primary", priority: 0, weight: 1, rate_limit_mbit: 0 };

/** Three reports. */
const FRESH_MS = 1500;
/** dataplane starts again within two seconds. */
const MISSING_MS = 5000;
