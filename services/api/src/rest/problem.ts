import { ManagementError, type ManagementErrorKind } from "../management/errors.ts";

/** RFC 9457. `code` is our own member: stable, for programs. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

/** A request that REST itself refuses, before it reaches the management core. */
export class RestError extends Error {
  override readonly name = "RestError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const STATUS_OF: Readonly<Record<ManagementErrorKind, number>> = {
  invalid: 422,
  "not-found": 404,
  conflict: 409,
  precondition: 409,
  exhausted: 503,
};

const TITLES: Readonly<Record<number, string>> = {
  400: "Malformed request",
  403: "Refused",
  404: "Not found",
  405: "Method not allowed",
  409: "Conflict",
  413: "Request too large",
  415: "Unsupported content type",
  421: "Wrong host",
  422: "Not acceptable as it stands",
  503: "Busy",
};

/** Any error as problem details; what is not known becomes a 500 that says nothing of the inside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ManagementError) return problem(STATUS_OF[error.kind], error.code, error.message);
  if (error instanceof RestError) return problem(error.status, error.code, error.message);
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem(statusCode, kebab(code ?? "bad-request"), message ?? "the request cannot be understood");
  }
  return problem(500, "internal", "an unexpected error, see the log of the api service");
}

function problem(status: number, code: string, detail: string): Problem {
  return { type: `urn:edgebos:problem:${code}`, title: TITLES[status] ?? "Error", status, detail, code };
}

/** `FST_ERR_CTP_BODY_TOO_LARGE` → `body-too-large` */
function kebab(code: string): string {
  return code
    .replace(/^FST_ERR_(CTP_)?/, "")
    .toLowerCase()
    .replaceAll("_", "-");
}
