/** What the edges (gRPC, REST) translate into their own status codes. */
export type ManagementErrorKind =
  /** The request itself is wrong. */
  | "invalid"
  | "not-found"
  /** Somebody else was faster. */
  | "conflict"
  /** The request is right, the system's condition does not allow it. */
  | "precondition"
  | "exhausted";

const KINDS = {
  "link-unknown": "not-found",
  "topic-unknown": "invalid",
  "patch-invalid": "invalid",
  "configuration-invalid": "invalid",
  "revision-stale": "conflict",
  "configuration-file-invalid": "precondition",
  "configuration-unwritable": "precondition",
  "too-many-watchers": "exhausted",
} as const satisfies Readonly<Record<string, ManagementErrorKind>>;

export type ManagementErrorCode = keyof typeof KINDS;

/** A request that cannot be fulfilled. The message is for the user and says what to do. */
export class ManagementError extends Error {
  override readonly name = "ManagementError";
  readonly code: ManagementErrorCode;

  constructor(code: ManagementErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  get kind(): ManagementErrorKind {
    return KINDS[this.code];
  }
}
