/** A service cannot start, and the operator can do something about it. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** An address cannot be listened on. `key` is the configuration key that names it. */
  static listen(key: string, address: string, cause: unknown): StartError {
    const errno = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const why =
      errno === "EADDRINUSE"
        ? "another program listens there"
        : errno === "EADDRNOTAVAIL"
          ? "no interface of this machine has that address"
          : errno;
    return new StartError("listen-failed", `cannot listen on ${address}: ${why}; change ${key}`, cause);
  }
}
