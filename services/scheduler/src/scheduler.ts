import { join } from "node:path";
import { BUCKETS, CURRENT, internal, link, plan, subjects, telemetry } from "@edgebos/proto";
import type { Config, ServiceContext } from "@edgebos/service";
import { declareMetrics } from "./metrics.ts";
import { makePlan, type PlanState } from "./plan/make-plan.ts";
import { planEvents } from "./plan/plan-events.ts";
import { loadPlan, savePlan } from "./plan-file.ts";

/**
 * The service: hears what the links are like, and publishes a plan whenever a new one would differ. At start it
 * publishes once in any case, from what it has heard within {@link FIRST_PLAN_MS}.
 */
export class Scheduler {
  readonly #context: ServiceContext;
  readonly #file: string;
  readonly #links = new Map<string, link.Link>();
  readonly #ends: (() => void)[] = [];
  #config: Config;
  #paths: readonly telemetry.PathSample[] = [];
  #state: PlanState | undefined;
  #published: plan.ForwardingPlan | undefined;
  #due: NodeJS.Timeout | undefined;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#config = context.config;
    this.#file = join(context.config.state_dir, "scheduler", "plan.bin");
    const earlier = loadPlan(this.#file);
    if (earlier) this.#state = { plan: earlier, activeRole: undefined, rests: new Map(), weights: weightsOf(earlier) };
    declareMetrics(context.metrics, () => this.#state);
  }

  start(): void {
    const { grpc } = this.#context;
    this.#ends.push(this.#config.role === "server" ? this.#followPaths() : this.#followLinks());
    this.#context.onConfigChange((config) => {
      this.#config = config;
      this.#planSoon(SETTLE_MS);
    });
    const tick = setInterval(() => this.#planSoon(0), TICK_INTERVAL_MS);
    this.#ends.push(() => clearInterval(tick));
    const getPlan: internal.SchedulerServer["getPlan"] = (_call, reply) =>
      reply(null, this.#state?.plan ?? plan.ForwardingPlan.create());
    grpc.add(internal.SchedulerService, { getPlan });
    this.#planSoon(FIRST_PLAN_MS);
  }

  stop(): void {
    for (const end of this.#ends) end();
    clearTimeout(this.#due);
  }

  #followLinks(): () => void {
    return this.#context.bus.watch(BUCKETS.links, link.Link, (name, value) => {
      if (value === undefined) this.#links.delete(name);
      else this.#links.set(name, value);
      this.#planSoon(SETTLE_MS);
    });
  }

  #followPaths(): () => void {
    const subject = subjects(this.#config.node).pathTelemetry;
    return this.#context.bus.subscribe(subject, telemetry.PathTelemetry, (report) => {
      this.#paths = report.paths;
      this.#planSoon(SETTLE_MS);
    });
  }

  /**
   * News comes in bursts: what comes within `delayMs` is planned for together. Before the first plan, everything waits
   * for it.
   */
  #planSoon(delayMs: number): void {
    this.#due ??= setTimeout(() => {
      this.#due = undefined;
      this.#plan();
    }, delayMs);
  }

  #plan(): void {
    const situation = {
      config: this.#config,
      links: [...this.#links.values()],
      paths: this.#paths,
      now: performance.now(),
      unixMs: Date.now(),
    };
    const previous = this.#state;
    this.#state = makePlan(situation, previous);
    if (this.#published === this.#state.plan) return;
    const isFirst = this.#published === undefined;
    this.#publish(this.#state.plan);
    if (isFirst) return;
    for (const { severity, code, text, fields } of planEvents(previous, this.#state)) {
      this.#context.events.publish(severity, code, text, fields);
    }
  }

  #publish(present: plan.ForwardingPlan): void {
    const { bus, health, log } = this.#context;
    this.#published = present;
    bus.put(BUCKETS.plan, CURRENT, plan.ForwardingPlan, present);
    log.debug({ revision: present.revision, summary: present.summary }, "plan");
    try {
      savePlan(this.#file, present);
      health.set("state", true, "written");
    } catch (error) {
      health.set("state", false, `cannot write ${this.#file}`);
      log.warn({ err: error }, "the plan could not be saved; check space and permissions of state_dir");
    }
  }
}

function weightsOf(earlier: plan.ForwardingPlan): PlanState["weights"] {
  const entries = earlier.links.map(
    ({ peer, link, weight }) => [`${peer}/${link}`, { value: weight, changedAt: 0 }] as const,
  );
  return new Map(entries);
}

/** Several links change within milliseconds of each other when a hub is pulled out. */
const SETTLE_MS = 20;
/** Rests and hold times end at this grain. */
const TICK_INTERVAL_MS = 1000;
/** The bus gives the present links within this time of a start, if it is there. */
const FIRST_PLAN_MS = 1000;
