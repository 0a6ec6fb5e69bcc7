export type ConfigErrorCode = "config-invalid" | "config-missing" | "config-unreadable";

/** One thing that is wrong. Line and column count from 1; 0 where the file as a whole is meant. */
export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  /** Dotted path, e.g. `interfaces.manual[0].role`; empty for the whole document. */
  readonly key: string;
  readonly text: string;
}

/** The configuration cannot be used. The message has one line for each problem: `file:line:column: key: what is wrong`. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;
  readonly problems: readonly ConfigProblem[];

  constructor(code: ConfigErrorCode, file: string, problems: readonly ConfigProblem[], cause?: unknown) {
    super(problems.map((problem) => describe(file, problem)).join("\n"), cause === undefined ? undefined : { cause });
    this.code = code;
    this.problems = problems;
  }
}

function describe(file: string, problem: ConfigProblem): string {
  const place = problem.line > 0 ? `${file}:${problem.line}:${problem.column}` : file;
  return problem.key === "" ? `${place}: ${problem.text}` : `${place}: ${problem.key}: ${problem.text}`;
}
