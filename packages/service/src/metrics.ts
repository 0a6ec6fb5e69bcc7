import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** A service's Prometheus registry. Names begin with `edgebos_`, besides the usual ones of the process. */
export class Metrics {
  readonly registry = new Registry();
  readonly #collectors: (() => void)[] = [];

  constructor(labels: Readonly<Record<string, string>>) {
    this.registry.setDefaultLabels({ ...labels });
    collectDefaultMetrics({ register: this.registry });
  }

  counter<T extends string = never>(name: string, help: string, labels: readonly T[] = []): Counter<T> {
    return new Counter({ name: checked(name), help, labelNames: labels, registers: [this.registry] });
  }

  gauge<T extends string = never>(name: string, help: string, labels: readonly T[] = []): Gauge<T> {
    return new Gauge({ name: checked(name), help, labelNames: labels, registers: [this.registry] });
  }

  histogram<T extends string = never>(
    name: string,
    help: string,
    labels: readonly T[] = [],
    buckets?: readonly number[],
  ): Histogram<T> {
    const bounds = buckets === undefined ? {} : { buckets: [...buckets] };
    return new Histogram({ name: checked(name), help, labelNames: labels, registers: [this.registry], ...bounds });
  }

  /** `collector` runs before each scrape and sets what is only read then. */
  onCollect(collector: () => void): void {
    this.#collectors.push(collector);
  }

  /** The exposition text. */
  async text(): Promise<string> {
    for (const collector of this.#collectors) collector();
    return await this.registry.metrics();
  }
}

function checked(name: string): string {
  if (!/^edgebos_[a-z0-9_]+$/.test(name)) throw new TypeError(`metric names begin with edgebos_: ${name}`);
  return name;
}
