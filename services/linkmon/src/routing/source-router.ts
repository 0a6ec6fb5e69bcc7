import type { KernelSnapshot, Uplink } from "../detect/uplink.ts";
import { type IpCommands, routingCommands } from "./commands.ts";
import { desiredRouting, NO_ROUTING, type SourceRouting } from "./desired.ts";
import type { IpTool } from "./ip-tool.ts";
import { ownRoutes, ownRules } from "./present.ts";

/** What one reconciliation did. */
export interface RoutingOutcome {
  readonly commands: number;
  readonly complaints: readonly string[];
}

/**
 * Keeps the kernel's source routing equal to what the links need. It holds no state of its own: each call compares with what the kernel
 * has, so leftovers of a crash and the work of others (dhclient, NetworkManager, an operator) are set right alike.
 * Calls must not overlap. Throws IpToolError.
 */
export class SourceRouter {
  readonly #ip: IpTool;

  constructor(ip: IpTool) {
    this.#ip = ip;
  }

  reconcile(uplinks: readonly Uplink[], kernel: KernelSnapshot): Promise<RoutingOutcome> {
    return this.#apply(desiredRouting(uplinks), kernel);
  }

  /** Takes away everything that is ours. */
  remove(kernel: KernelSnapshot): Promise<RoutingOutcome> {
    return this.#apply(NO_ROUTING, kernel);
  }

  async #apply(desired: SourceRouting, kernel: KernelSnapshot): Promise<RoutingOutcome> {
    const present = await this.#present(kernel);
    const names = new Map(kernel.links.map((link) => [link.ifindex, link.name]));
    const commands = routingCommands(present, desired, (ifindex) => names.get(ifindex));
    const complaints = await Promise.all(([4, 6] as const).map((family) => this.#run(family, commands)));
    return { commands: commands[4].length + commands[6].length, complaints: complaints.flat() };
  }

  async #present(kernel: KernelSnapshot): Promise<SourceRouting> {
    const rules = await Promise.all(
      ([4, 6] as const).map(async (family) => ownRules(await this.#ip.ruleJson(family), family)),
    );
    return { routes: ownRoutes(kernel.routes), rules: rules.flat() };
  }

  async #run(family: 4 | 6, commands: IpCommands): Promise<string[]> {
    return commands[family].length === 0 ? [] : this.#ip.batch(family, commands[family]);
  }
}
