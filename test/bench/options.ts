/** What the command line says of a bench. */
export interface BenchOptions {
  readonly runs: number;
  /** Of one measurement, without what is left out at its beginning. */
  readonly seconds: number;
  /** Names of profiles; empty = all. */
  readonly profiles: readonly string[];
  /** Directory of recorded links, `<name>.up` and `<name>.down`. */
  readonly traces: string;
}
