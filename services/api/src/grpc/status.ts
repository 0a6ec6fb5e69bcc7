import type { ServiceError } from "@grpc/grpc-js";
import { Metadata, status } from "@grpc/grpc-js";
import { ManagementError, type ManagementErrorKind } from "../management/errors.ts";

const STATUS_OF: Readonly<Record<ManagementErrorKind, status>> = {
  invalid: status.INVALID_ARGUMENT,
  "not-found": status.NOT_FOUND,
  conflict: status.ABORTED,
  precondition: status.FAILED_PRECONDITION,
  exhausted: status.RESOURCE_EXHAUSTED,
};

/** Any error as a gRPC status. The metadata key `edgebos-code` carries the stable code. */
export function grpcError(error: unknown): ServiceError {
  const known = error instanceof ManagementError;
  const code = known ? STATUS_OF[error.kind] : status.INTERNAL;
  const details = known ? error.message : "an unexpected error, see the log of the api service";
  const metadata = new Metadata();
  metadata.set("edgebos-code", known ? error.code : "internal");
  return Object.assign(new Error(details, { cause: error }), { code, details, metadata });
}
