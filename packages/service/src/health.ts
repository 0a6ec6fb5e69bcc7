/** What one part of a service says of itself. */
export interface HealthEntry {
  readonly ok: boolean;
  readonly detail: string;
}

export interface HealthReport {
  readonly healthy: boolean;
  /** One sentence: what is wrong, or that all is well. */
  readonly detail: string;
  readonly parts: Readonly<Record<string, HealthEntry>>;
}

/** A service is healthy when each of its parts said so last. */
export class Health {
  readonly #parts = new Map<string, HealthEntry>();

  set(part: string, ok: boolean, detail: string): void {
    this.#parts.set(part, { ok, detail });
  }

  report(): HealthReport {
    const parts = Object.fromEntries(this.#parts);
    const bad = Object.entries(parts).filter(([, entry]) => !entry.ok);
    return {
      healthy: bad.length === 0,
      detail: bad.length === 0 ? "all parts work" : bad.map(([part, entry]) => `${part}: ${entry.detail}`).join("; "),
      parts,
    };
  }
}
