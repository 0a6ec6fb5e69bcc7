/**
 * The machine's network around the tunnel device: its address and MTU, routes and rules, the packet filter, kernel settings.
 * Everything is idempotent over the leftovers of a crash, and {@link Host.remove} takes all of it away. The device itself
 * belongs to the forwarding loop.
 */

import { join } from "node:path";
import {
  type DeviceSettings,
  deviceCommands,
  type IpBatch,
  type RouteSettings,
  removeAddress,
  routeCommands,
  TUNNEL_TABLE,
} from "./commands.ts";
import { type ClientRules, type ServerRules, tableRemovalText, tableText } from "./nftables.ts";
import { NOTHING, presentLines, reconcile } from "./reconcile.ts";
import { readIp, runIp, runNft } from "./run.ts";
import { forwardingChanges, looseFilterChanges, type SysctlChange, Sysctls } from "./sysctls.ts";

export interface HostOptions {
  readonly device: string;
  /** Clients lead traffic into the tunnel; a server leaves routes and rules alone, which may be those of a client beside it. */
  readonly role: "client" | "server";
  /** `<state_dir>/dataplane`. */
  readonly directory: string;
  /** A kernel setting could not be made; the tunnel works, forwarding perhaps not. */
  readonly onWarning: (code: string, text: string) => void;
}

export class Host {
  readonly #options: HostOptions;
  readonly #sysctls: Sysctls;
  /** Changes are made one after the other, in the order of the calls. */
  #queue: Promise<void> = Promise.resolve();

  constructor(options: HostOptions) {
    this.#options = options;
    this.#sysctls = new Sysctls(join(options.directory, "sysctls.json"));
  }

  /** Address, MTU, up; addresses that are not ours are taken off the device. Rejects with HostError. */
  configureDevice(settings: DeviceSettings): Promise<void> {
    return this.#inOrder(async () => {
      const wanted = new Set([settings.v4, settings.v6].map(({ address, prefix }) => `${address}/${prefix}`));
      for (const stale of await deviceAddresses(settings.device)) {
        if (!wanted.has(stale)) await runIp(removeAddress(settings.device, stale), { force: true });
      }
      await runIp(this.#usable(deviceCommands(settings)));
    });
  }

  /** Puts routes and rules in place, instead of those of an earlier call or run. Rejects with HostError. */
  configureRoutes(settings: RouteSettings): Promise<void> {
    return this.#inOrder(() => replaceRoutes(this.#usable(routeCommands(settings))));
  }

  configureFilter(rules: ServerRules | ClientRules): Promise<void> {
    return this.#inOrder(() => runNft(tableText(rules)));
  }

  enableForwarding(): void {
    this.#applySysctls(forwardingChanges(this.#sysctls, this.#options.device));
  }

  /** For the tunnel and each link, as it appears. */
  loosenReversePathFilter(devices: readonly string[]): void {
    this.#applySysctls(looseFilterChanges(this.#sysctls, devices));
  }

  /** Routes, rules, packet filter and kernel settings go; what is gone already is no error. */
  remove(): Promise<void> {
    return this.#inOrder(async () => {
      if (this.#options.role === "client") await replaceRoutes(NOTHING);
      await runNft(tableRemovalText(this.#options.device));
      this.#sysctls.restore();
    });
  }

  /** Without the part of a family that is switched off on this machine. */
  #usable(batch: IpBatch): IpBatch {
    const disabled = this.#sysctls.read(`ipv6/conf/${this.#options.device}/disable_ipv6`);
    return disabled === "0" ? batch : { v4: batch.v4, v6: [] };
  }

  #applySysctls(changes: readonly SysctlChange[]): void {
    for (const { text } of this.#sysctls.apply(changes).failures) this.#options.onWarning("sysctl-refused", text);
  }

  #inOrder(step: () => Promise<void>): Promise<void> {
    const result = this.#queue.then(step);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

async function replaceRoutes(wanted: IpBatch): Promise<void> {
  const v4 = reconcile(await presentRoutes("-4"), wanted.v4);
  const v6 = reconcile(await presentRoutes("-6"), wanted.v6);
  await runIp({ v4: v4.add, v6: v6.add });
  await runIp({ v4: v4.remove, v6: v6.remove }, { force: true });
}

async function presentRoutes(family: "-4" | "-6"): Promise<string[]> {
  const rules = await readIp([family, "rule", "show"]);
  return presentLines(rules, await readIp([family, "route", "show", "table", String(TUNNEL_TABLE)]));
}

/** Global addresses of the device as ADDRESS/PREFIX. The kernel's own link-local address stays. */
async function deviceAddresses(device: string): Promise<string[]> {
  const text = await readIp(["-oneline", "address", "show", "dev", device, "scope", "global"]);
  return [...text.matchAll(/\binet6? (\S+)/g)].map((match) => match[1]!);
}
