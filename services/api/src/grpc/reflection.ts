import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import type { FileShape, Schema } from "../schema/descriptor.ts";

const MANAGEMENT_FILE = "edgebos/v1/management.proto";

/**
 * Server reflection (v1 and v1alpha), by which generic clients find the services and their types. Of ours, only what the Management
 * service needs is shown; `others` are encoded file descriptors of further services.
 */
export function addReflection(server: Server, schema: Schema, others: readonly Uint8Array[]): void {
  const files = withDependencies(schema, MANAGEMENT_FILE).map(({ bytes }) => Buffer.from(bytes));
  const fileDescriptorProtos = [...files, ...others.map((bytes) => Buffer.from(bytes))];
  // The library reads nothing of a package definition but its file descriptors.
  const definition = { edgebos: { format: "", type: {}, fileDescriptorProtos } };
  new ReflectionService(definition as unknown as ConstructorParameters<typeof ReflectionService>[0]).addToServer(
    server,
  );
}

function withDependencies(schema: Schema, name: string, seen = new Set<string>()): FileShape[] {
  const file = schema.files.find((candidate) => candidate.name === name);
  if (file === undefined || seen.has(name)) return [];
  seen.add(name);
  return [file, ...file.dependencies.flatMap((dependency) => withDependencies(schema, dependency, seen))];
}
