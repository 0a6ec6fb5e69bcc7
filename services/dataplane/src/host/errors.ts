export type HostErrorCode = "program-missing" | "routing-failed" | "nftables-failed" | "tunnel-failed";

/** The machine's network could not be set up; the message says what to do. */
export class HostError extends Error {
  readonly code: HostErrorCode;

  constructor(code: HostErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HostError";
    this.code = code;
  }
}
