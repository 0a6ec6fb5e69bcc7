import type { Health, Logger } from "@edgebos/service";
import type { KernelSnapshot, Uplink } from "../detect/uplink.ts";
import { type IpTool, IpToolError } from "./ip-tool.ts";
import { type RoutingOutcome, SourceRouter } from "./source-router.ts";

/**
 * Source routing as the service does it: failures are counted, told once until they change, and shown in the service's
 * health; the next look tries again.
 */
export class RoutingKeeper {
  readonly counters = { routingCommands: 0, routingFailures: 0 };
  readonly #router: SourceRouter;
  readonly #health: Health;
  readonly #log: Logger;
  #told = "";

  constructor(ip: IpTool, context: { readonly health: Health; readonly log: Logger }) {
    this.#router = new SourceRouter(ip);
    this.#health = context.health;
    this.#log = context.log;
  }

  async reconcile(uplinks: readonly Uplink[], kernel: KernelSnapshot): Promise<void> {
    await this.#attempt(() => this.#router.reconcile(uplinks, kernel));
  }

  /** Lets the next reconciliation look at the rules as well. */
  distrust(): void {
    this.#router.distrust();
  }

  async remove(kernel: KernelSnapshot): Promise<void> {
    await this.#attempt(() => this.#router.remove(kernel));
  }

  async #attempt(action: () => Promise<RoutingOutcome>): Promise<void> {
    try {
      const { commands, complaints } = await action();
      this.counters.routingCommands += commands;
      this.counters.routingFailures += complaints.length;
      if (commands > 0) this.#log.debug({ commands, complaints }, "source routing brought in line");
      this.#tell(complaints.join(" "), "per-link routing is incomplete; it is tried again");
    } catch (error) {
      if (!(error instanceof IpToolError)) throw error;
      this.counters.routingFailures++;
      this.#tell(error.message, error.message);
    }
  }

  #tell(problem: string, sentence: string): void {
    this.#health.set("routing", problem === "", problem === "" ? "in line with the links" : problem);
    if (problem !== "" && problem !== this.#told) this.#log.warn({ problem }, sentence);
    this.#told = problem;
  }
}
