/** The last links and plan, on disk: a client that starts while NATS or linkmon is down works with them. */

import { join } from "node:path";
import { link, plan } from "@edgebos/proto";
import { readJson, writeFileAtomically } from "./state.ts";

/** How long after linkmon's first word a remembered link may stay unmentioned. */
const CONFIRM_LIMIT_MS = 5000;

export class RememberedState {
  readonly #linksFile: string;
  readonly #planFile: string;
  readonly #confirmed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(directory: string) {
    this.#linksFile = join(directory, "links.json");
    this.#planFile = join(directory, "plan.json");
  }

  links(): link.Link[] {
    const saved = readJson(this.#linksFile);
    return Array.isArray(saved) ? saved.map((entry) => link.Link.fromJSON(entry)) : [];
  }

  saveLinks(links: readonly link.Link[]): void {
    writeFileAtomically(this.#linksFile, JSON.stringify(links.map((entry) => link.Link.toJSON(entry))));
  }

  plan(): plan.ForwardingPlan | undefined {
    const saved = readJson(this.#planFile);
    return saved === undefined ? undefined : plan.ForwardingPlan.fromJSON(saved);
  }

  savePlan(value: plan.ForwardingPlan): void {
    writeFileAtomically(this.#planFile, JSON.stringify(plan.ForwardingPlan.toJSON(value)));
  }

  /** linkmon spoke of this link. `onComplete` is called once, when it has had time to speak of all of them. */
  confirm(name: string, onComplete: () => void): void {
    this.#confirmed.add(name);
    this.#timer ??= setTimeout(onComplete, CONFIRM_LIMIT_MS).unref();
  }

  isConfirmed(name: string): boolean {
    return this.#confirmed.has(name);
  }
}
