import type { KernelSnapshot, Uplink } from "../detect/uplink.ts";
import { type IpCommands, routingCommands } from "./commands.ts";
import { desiredRouting, NO_ROUTING, type SourceRouting, type SourceRule } from "./desired.ts";
import type { IpTool } from "./ip-tool.ts";
import { ownRoutes, ownRules } from "./present.ts";

/** What one reconciliation did. */
export interface RoutingOutcome {
  readonly commands: number;
  readonly complaints: readonly string[];
}

/**
 * Keeps the kernel's source routing equal to what the links need. It compares with what the kernel has, so leftovers of
 * a crash and the work of others (dhclient, NetworkManager, an operator) are set right alike. Calls must not overlap.
 * Throws IpToolError.
 */
export class SourceRouter {
  readonly #ip: IpTool;
  /** The rules that stand, as far as we know; undefined = they must be read. */
  #rules: readonly SourceRule[] | undefined;

  constructor(ip: IpTool) {
    this.#ip = ip;
  }

  reconcile(uplinks: readonly Uplink[], kernel: KernelSnapshot): Promise<RoutingOutcome> {
    return this.#apply(desiredRouting(uplinks), kernel);
  }

  /** Takes away everything that is ours. */
  remove(kernel: KernelSnapshot): Promise<RoutingOutcome> {
    this.distrust();
    return this.#apply(NO_ROUTING, kernel);
  }

  /** Lets the next call read the rules again, which no snapshot holds. */
  distrust(): void {
    this.#rules = undefined;
  }

  async #apply(desired: SourceRouting, kernel: KernelSnapshot): Promise<RoutingOutcome> {
    const names = new Map(kernel.links.map((link) => [link.ifindex, link.name]));
    const routes = ownRoutes(kernel.routes);
    const commandsFrom = (rules: readonly SourceRule[]) =>
      routingCommands({ routes, rules }, desired, (ifindex) => names.get(ifindex));
    // Most changes of the kernel are none of routing, and reading the rules costs two processes.
    if (this.#rules !== undefined && countOf(commandsFrom(this.#rules)) === 0) return NOTHING_DONE;
    const commands = commandsFrom(await this.#readRules());
    const complaints = await Promise.all(FAMILIES.map((family) => this.#run(family, commands)));
    this.#rules = complaints.flat().length === 0 ? desired.rules : undefined;
    return { commands: countOf(commands), complaints: complaints.flat() };
  }

  async #readRules(): Promise<SourceRule[]> {
    this.#rules = undefined;
    const rules = await Promise.all(FAMILIES.map(async (family) => ownRules(await this.#ip.ruleJson(family), family)));
    return rules.flat();
  }

  async #run(family: 4 | 6, commands: IpCommands): Promise<string[]> {
    return commands[family].length === 0 ? [] : this.#ip.batch(family, commands[family]);
  }
}

function countOf(commands: IpCommands): number {
  return commands[4].length + commands[6].length;
}

const FAMILIES = [4, 6] as const;
const NOTHING_DONE: RoutingOutcome = { commands: 0, complaints: [] };
