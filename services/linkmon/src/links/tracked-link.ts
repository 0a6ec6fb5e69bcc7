import { common, type link, type telemetry } from "@edgebos/proto";
import type { ManualInterface } from "@edgebos/service";
import { type Uplink, usableSources } from "../detect/uplink.ts";
import type { Moment } from "../moment.ts";
import { type ConditionState, nextCondition, type ReportState } from "../quality/condition.ts";
import { differsVisibly, nextQuality } from "../quality/quality.ts";
import { recordTransition, stability, type Transition } from "../quality/stability.ts";
import { linkTable } from "../routing/numbers.ts";
import type { LinkRecord } from "./link-record.ts";

export type LinkSettings = Pick<ManualInterface, "role" | "priority" | "weight" | "rate_limit_mbit">;

/** What an evaluation brought: whether readers must hear of it, and the condition that was left, if it was. */
export interface Evaluation {
  readonly publish: boolean;
  readonly previous: common.LinkCondition | undefined;
}

/** Everything known of one link. */
export class TrackedLink {
  readonly name: string;
  /** Known from before a restart of the service, hence no news. */
  readonly restored: boolean;
  /** As last told to the world. */
  published: link.Link | undefined;
  #publishedAt = Number.NEGATIVE_INFINITY;
  #uplink: Uplink;
  #identity: string;
  #generation: number;
  #sample: telemetry.PathSample | undefined;
  #sampledAt: number | undefined;
  #quality: link.LinkQuality | undefined;
  #state: ConditionState | undefined;
  #sinceUnixMs: number;
  #history: readonly Transition[];

  constructor(uplink: Uplink, record: LinkRecord | undefined) {
    const state = record?.state;
    this.name = uplink.name;
    this.restored = state !== undefined;
    this.#uplink = uplink;
    this.#identity = state?.identity ?? identityOf(uplink);
    this.#generation = state ? record!.generation : (record?.generation ?? 0) + 1;
    this.#state = state?.condition;
    this.#sinceUnixMs = state?.sinceUnixMs ?? 0;
    this.#history = state?.history ?? [];
    this.#quality = state?.quality;
  }

  handleUplink(uplink: Uplink): void {
    this.#uplink = uplink;
    const identity = identityOf(uplink);
    if (identity === this.#identity) return;
    this.#identity = identity;
    this.#generation++;
    this.#sample = undefined;
  }

  handleSample(sample: telemetry.PathSample | undefined, now: Moment): void {
    this.#sample = sample;
    if (sample === undefined) return;
    this.#quality = nextQuality(
      this.#quality,
      sample,
      this.#sampledAt === undefined ? Infinity : now.ms - this.#sampledAt,
    );
    this.#sampledAt = now.ms;
  }

  evaluate(role: "client" | "server", settings: LinkSettings, report: ReportState, now: Moment): Evaluation {
    const before = this.#state;
    const sample = report === "fresh" ? this.#sample : undefined;
    const input = { uplink: this.#uplink, role, sample, quality: this.#quality, report };
    this.#state = nextCondition(before, input, now.ms);
    const changed = before?.condition !== this.#state.condition;
    if (changed) this.#sinceUnixMs = now.unixMs;
    this.#history = recordTransition(this.#history, this.#state.condition === common.LinkCondition.UP, now.ms);
    if (this.#quality) this.#quality.stability = stability(this.#history, now.ms);
    const publish = this.#publishIfDue(this.#message(settings), now.ms);
    return { publish, previous: changed ? before?.condition : undefined };
  }

  record(): LinkRecord {
    if (this.#state === undefined) return { generation: this.#generation };
    const { condition, cause, reason, since } = this.#state;
    const state = {
      identity: this.#identity,
      condition: { condition, cause, reason, since },
      sinceUnixMs: this.#sinceUnixMs,
      history: this.#history,
      quality: this.#quality,
    };
    return { generation: this.#generation, state };
  }

  /** Facts are told at once, quality at most once a second and only if it differs visibly. */
  #publishIfDue(message: link.Link, ms: number): boolean {
    const last = this.published;
    const sameFacts = last !== undefined && factsOf(last) === factsOf(message);
    const dueQuality = ms - this.#publishedAt >= QUALITY_INTERVAL_MS && differsVisibly(last?.quality, message.quality);
    if (sameFacts && !dueQuality) return false;
    this.published = message;
    this.#publishedAt = ms;
    return true;
  }

  #message(settings: LinkSettings): link.Link {
    const uplink = this.#uplink;
    return {
      name: uplink.name,
      ifindex: uplink.ifindex,
      kind: uplink.kind,
      role: ROLES[settings.role],
      priority: settings.priority,
      weight: settings.weight,
      rateLimitMbit: settings.rate_limit_mbit,
      mtuBytes: uplink.mtuBytes,
      carrier: uplink.up && uplink.carrier,
      addresses: usableSources(uplink).map((source) => source.address),
      gatewayV4: uplink.gatewayV4,
      gatewayV6: uplink.gatewayV6,
      table: uplink.ifindex === 0 ? 0 : linkTable(uplink.ifindex),
      condition: this.#state!.condition,
      reason: this.#state!.reason,
      sinceMs: this.#sinceUnixMs,
      quality: this.#quality && { ...this.#quality },
      generation: this.#generation,
    };
  }
}

/** What a socket of dataplane depends on. */
function identityOf(uplink: Uplink): string {
  const addresses = usableSources(uplink).map((source) => source.address);
  return [uplink.ifindex, uplink.up && uplink.carrier, uplink.gatewayV4, uplink.gatewayV6, ...addresses].join(" ");
}

function factsOf(message: link.Link): string {
  return JSON.stringify({ ...message, quality: message.quality === undefined });
}

const ROLES = {
  primary: common.LinkRole.PRIMARY,
  backup: common.LinkRole.BACKUP,
  metered: common.LinkRole.METERED,
} as const;

const QUALITY_INTERVAL_MS = 1000;
