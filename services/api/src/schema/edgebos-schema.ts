import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseDescriptorSet, type Schema } from "./descriptor.ts";

/** The schema of edgebos.v1, from the descriptor that `pnpm generate` writes. */
export function edgebosSchema(): Schema {
  loaded ??= parseDescriptorSet(readFileSync(fileURLToPath(import.meta.resolve("@edgebos/proto/descriptor.binpb"))));
  return loaded;
}

let loaded: Schema | undefined;
