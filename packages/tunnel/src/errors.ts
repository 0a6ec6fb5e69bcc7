export type TunnelErrorCode =
  | "arena-full"
  | "pool-empty"
  | "pool-too-small"
  | "path-exists"
  | "path-unknown"
  | "path-too-small";

/** A mistake of the caller or of a configuration; what a peer or a radio does is a counter, never an exception. */
export class TunnelError extends Error {
  override readonly name = "TunnelError";
  readonly code: TunnelErrorCode;

  constructor(code: TunnelErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
