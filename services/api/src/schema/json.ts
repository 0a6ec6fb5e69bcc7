import type { FieldShape, FieldType, Schema } from "./descriptor.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Proto3 JSON of a generated message. Fields without presence are always there, also when they hold their default, so that
 * a reader finds `"ready": false` rather than nothing. 64-bit integers are JSON numbers, as they are exact below 2^53;
 * an enum value that the schema does not know is its number.
 */
export function messageJson(schema: Schema, typeName: string, message: object): { readonly [key: string]: Json } {
  const shape = schema.messages.get(typeName);
  if (shape === undefined) throw new TypeError(`there is no message ${typeName} in the schema`);
  const source = message as Readonly<Record<string, unknown>>;
  const json: Record<string, Json> = {};
  for (const field of shape.fields) {
    const value = field.oneof === undefined ? source[field.jsonName] : unionMember(source[field.oneof], field);
    if (value !== undefined) json[field.jsonName] = fieldJson(schema, field, value);
  }
  return json;
}

function unionMember(union: unknown, field: FieldShape): unknown {
  const member = union as { readonly $case: string; readonly value: unknown } | undefined;
  return member?.$case === field.jsonName ? member.value : undefined;
}

function fieldJson(schema: Schema, field: FieldShape, value: unknown): Json {
  switch (field.container) {
    case "list":
      return (value as readonly unknown[]).map((item) => valueJson(schema, field.type, item));
    case "map": {
      const entries = Object.entries(value as Readonly<Record<string, unknown>>);
      return Object.fromEntries(entries.map(([key, item]) => [key, valueJson(schema, field.type, item)]));
    }
    case "none":
      return valueJson(schema, field.type, value);
  }
}

function valueJson(schema: Schema, type: FieldType, value: unknown): Json {
  switch (type.kind) {
    case "message":
      return messageJson(schema, type.name, value as object);
    case "enum":
      return schema.enums.get(type.name)?.values.get(value as number) ?? (value as number);
    case "scalar":
      return scalarJson(value);
  }
}

function scalarJson(value: unknown): Json {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return value as Json;
}
