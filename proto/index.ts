/** Messages and services of the system, generated from `edgebos/v1/*.proto`, and the subject names they travel on. */
export * as common from "./gen/edgebos/v1/common.ts";
export * as control from "./gen/edgebos/v1/control.ts";
export * as internal from "./gen/edgebos/v1/internal.ts";
export * as link from "./gen/edgebos/v1/link.ts";
export * as management from "./gen/edgebos/v1/management.ts";
export * as plan from "./gen/edgebos/v1/plan.ts";
export * as telemetry from "./gen/edgebos/v1/telemetry.ts";
export { BUCKETS, CURRENT, subjects } from "./subjects.ts";
