import type * as z from "zod";
import { fileSchema } from "./schema.ts";

/** Path of a problem as zod reports it. */
export type KeyPath = readonly PropertyKey[];

/** Every key of the configuration file, dotted; list elements as `[]`, e.g. `interfaces.manual[].role`. */
export function schemaKeys(): string[] {
  return [...leaves(fileSchema, "")];
}

/** The keys that are allowed directly below `path`. */
export function keysAt(path: KeyPath): string[] {
  let schema: z.ZodType | undefined = fileSchema;
  for (const step of path) {
    const inner: z.ZodType | undefined = schema && unwrap(schema);
    schema = typeof step === "number" ? elementOf(inner) : shapeOf(inner)?.[String(step)];
  }
  return Object.keys(shapeOf(schema && unwrap(schema)) ?? {});
}

/** `["interfaces", "manual", 0, "role"]` as `interfaces.manual[0].role`. */
export function dotted(path: KeyPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    return text === "" ? String(step) : `${text}.${String(step)}`;
  }, "");
}

function* leaves(schema: z.ZodType, prefix: string): Generator<string> {
  const inner = unwrap(schema);
  const shape = shapeOf(inner);
  const element = elementOf(inner);
  if (shape !== undefined) {
    for (const [key, value] of Object.entries(shape)) yield* leaves(value, prefix === "" ? key : `${prefix}.${key}`);
  } else if (element !== undefined && shapeOf(unwrap(element)) !== undefined) {
    yield* leaves(element, `${prefix}[]`);
  } else {
    yield prefix;
  }
}

function unwrap(schema: z.ZodType): z.ZodType {
  const definition = schema.def as { innerType?: z.ZodType };
  return definition.innerType === undefined ? schema : unwrap(definition.innerType);
}

function shapeOf(schema: z.ZodType | undefined): Record<string, z.ZodType> | undefined {
  return (schema?.def as { shape?: Record<string, z.ZodType> } | undefined)?.shape;
}

function elementOf(schema: z.ZodType | undefined): z.ZodType | undefined {
  return (schema?.def as { element?: z.ZodType } | undefined)?.element;
}
