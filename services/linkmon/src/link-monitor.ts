import { join } from "node:path";
import type { RouteSocket } from "@edgebos/linux-io";
import { BUCKETS, internal, link, subjects, telemetry } from "@edgebos/proto";
import type { Config, ServiceContext } from "@edgebos/service";
import { linkKind } from "./detect/kind.ts";
import { interfaceFacts } from "./detect/sysfs.ts";
import { findUplinks, type KernelSnapshot, NO_MEMORY, rememberUplinks, type UplinkMemory } from "./detect/uplink.ts";
import { publishEvent } from "./events.ts";
import { KernelWatch, POLL_INTERVAL_MS } from "./kernel/kernel-watch.ts";
import { LinkBook, type LinkOutput } from "./links/link-book.ts";
import { loadRecords, saveRecords } from "./links/link-record.ts";
import { declareMetrics } from "./metrics.ts";
import { bootClock, bootId } from "./moment.ts";
import type { IpTool } from "./routing/ip-tool.ts";
import { RoutingKeeper } from "./routing/routing-keeper.ts";

/**
 * The service: looks at the kernel, keeps the links' source routing, hears dataplane's reports, and tells the others
 * what each link is like. On a server it lists the uplinks and leaves routing alone.
 */
export class LinkMonitor {
  readonly #context: ServiceContext;
  readonly #watch: KernelWatch;
  readonly #socket: RouteSocket;
  readonly #routing: RoutingKeeper | undefined;
  readonly #book: LinkBook;
  readonly #clock = bootClock();
  readonly #bootId = bootId();
  readonly #recordsFile: string;
  readonly #countChange: (link: link.Link) => void;
  readonly #timers: NodeJS.Timeout[] = [];
  #config: Config;
  #memory: UplinkMemory = NO_MEMORY;
  #waiting: KernelSnapshot | undefined;
  #working: Promise<void> | undefined;

  constructor(context: ServiceContext, socket: RouteSocket, ip: IpTool) {
    const { config } = context;
    this.#context = context;
    this.#config = config;
    this.#socket = socket;
    this.#watch = new KernelWatch(socket);
    this.#routing = config.role === "client" ? new RoutingKeeper(ip, context) : undefined;
    this.#recordsFile = join(config.state_dir, "linkmon", "links.json");
    const records = loadRecords(this.#recordsFile, this.#bootId);
    this.#book = new LinkBook(config.role, config.interfaces.manual, records, this.#clock());
    this.#countChange = this.#declareMetrics();
  }

  /** Finds and routes the links that are there, then keeps doing so until {@link stop}. */
  async start(): Promise<void> {
    this.#look(this.#watch.snapshot());
    await this.#working;
    this.#listen();
    this.#every(POLL_INTERVAL_MS, () => this.#look(this.#watch.poll(performance.now())));
    this.#every(TICK_INTERVAL_MS, () => this.#tick());
    this.#every(AUDIT_INTERVAL_MS, () => this.#audit());
  }

  /** Ends all watching and takes away what it put into the kernel. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#waiting = undefined;
    await this.#working;
    await this.#routing?.remove(this.#watch.snapshot());
    this.#save();
    this.#socket.close();
  }

  #listen(): void {
    const { bus, grpc } = this.#context;
    bus.subscribe(subjects(this.#config.node).pathTelemetry, telemetry.PathTelemetry, (report) => {
      this.#book.handleTelemetry(report, this.#clock());
      this.#publish();
    });
    // What an earlier run left in the bucket and is no link at present.
    bus.watch(BUCKETS.links, link.Link, (name, value) => {
      if (value !== undefined && !this.#book.has(name)) bus.delete(BUCKETS.links, name);
    });
    this.#context.onConfigChange((config) => {
      this.#config = config;
      this.#book.handleManual(config.interfaces.manual, this.#clock());
      this.#look(this.#watch.snapshot());
    });
    const getLinks: internal.LinkMonitorServer["getLinks"] = (_call, reply) =>
      reply(null, { links: this.#book.links() });
    grpc.add(internal.LinkMonitorService, { getLinks });
  }

  #tick(): void {
    this.#book.handleBus(this.#context.bus.connected);
    this.#book.handleTick(this.#clock());
    this.#publish();
  }

  /** Looks also at what the kernel does not tell of. */
  #audit(): void {
    this.#routing?.distrust();
    this.#look(this.#watch.snapshot());
  }

  /** Takes up a snapshot; those that come while one is being worked on replace each other. */
  #look(snapshot: KernelSnapshot | undefined): void {
    if (snapshot === undefined) return;
    this.#waiting = snapshot;
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    for (let snapshot = this.#waiting; snapshot !== undefined; snapshot = this.#waiting) {
      this.#waiting = undefined;
      const kindOf = (info: KernelSnapshot["links"][number]) => linkKind(interfaceFacts(info));
      const uplinks = findUplinks(snapshot, this.#config, kindOf, this.#memory);
      this.#memory = rememberUplinks(uplinks, this.#memory);
      // Routing first: whoever hears of a link can use it at once.
      await this.#routing?.reconcile(uplinks, snapshot);
      this.#book.handleUplinks(uplinks, this.#clock());
      this.#publish();
    }
  }

  #publish(): void {
    let mustSave = false;
    for (let output = this.#book.pollOutput(); output !== undefined; output = this.#book.pollOutput()) {
      this.#publishOne(output);
      mustSave ||= output.kind !== "state";
    }
    if (mustSave) this.#save();
  }

  #publishOne(output: LinkOutput): void {
    const { bus, events } = this.#context;
    if (output.kind === "state") bus.put(BUCKETS.links, output.link.name, link.Link, output.link);
    if (output.kind === "gone") bus.delete(BUCKETS.links, output.link.name);
    if (output.kind === "changed") {
      this.#countChange(output.link);
      bus.publish(subjects(this.#config.node).linkChanged, link.LinkChanged, output);
    }
    publishEvent(events, output);
  }

  #save(): void {
    const { health, log } = this.#context;
    try {
      saveRecords(this.#recordsFile, this.#bootId, this.#book.records());
      health.set("state", true, "written");
    } catch (error) {
      health.set("state", false, `cannot write ${this.#recordsFile}`);
      log.warn({ err: error }, "the links' history could not be written; check space and permissions of state_dir");
    }
  }

  #every(intervalMs: number, action: () => void): void {
    this.#timers.push(setInterval(action, intervalMs));
  }

  #declareMetrics(): (link: link.Link) => void {
    const { countChange } = declareMetrics(
      this.#context.metrics,
      () => this.#book.links(),
      () => ({
        kernel: this.#watch.stats(),
        ...(this.#routing?.counters ?? { routingCommands: 0, routingFailures: 0 }),
      }),
    );
    return countChange;
  }
}

/** Hold times of conditions end, and reports are found missing, at this grain. */
const TICK_INTERVAL_MS = 1000;
/** Rules have no netlink group here, so what somebody did to them is found by looking. */
const AUDIT_INTERVAL_MS = 5000;
