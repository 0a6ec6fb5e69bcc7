/** A command cannot do what it was asked to. The message says what to do about it. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly code: string;
  readonly exitCode: number;

  constructor(code: string, message: string, exitCode: number = EXIT.failure, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** Exit codes of the commands. 3 is what init scripts use for "not running". */
export const EXIT = { ok: 0, failure: 1, usage: 2, notRunning: 3 } as const;
