import { packedVarints, wireFields } from "./wire-fields.ts";

/** What a field holds. Maps have string keys. */
export type FieldType =
  | { readonly kind: "scalar"; readonly scalar: ScalarName }
  | { readonly kind: "enum"; readonly name: string }
  | { readonly kind: "message"; readonly name: string };

export type ScalarName = "double" | "int64" | "uint64" | "int32" | "uint32" | "bool" | "string" | "bytes";

export interface FieldShape {
  /** Key in JSON, which is also the key in the generated TypeScript. */
  readonly jsonName: string;
  readonly type: FieldType;
  readonly container: "none" | "list" | "map";
  /** Key under which the generated TypeScript keeps the union that this field belongs to. */
  readonly oneof: string | undefined;
  readonly comment: string;
}

export interface MessageShape {
  readonly fields: readonly FieldShape[];
  readonly comment: string;
}

export interface EnumShape {
  readonly values: ReadonlyMap<number, string>;
  readonly comment: string;
  /** One line for each value that has a comment. */
  readonly valueComments: readonly string[];
}

export interface MethodShape {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly streams: boolean;
  readonly comment: string;
}

export interface FileShape {
  readonly name: string;
  readonly dependencies: readonly string[];
  /** The encoded FileDescriptorProto. */
  readonly bytes: Uint8Array;
}

/** Everything that the proto files declare. Names are full, without a leading dot: `edgebos.v1.Link`. */
export interface Schema {
  readonly files: readonly FileShape[];
  readonly messages: ReadonlyMap<string, MessageShape>;
  readonly enums: ReadonlyMap<string, EnumShape>;
  readonly services: ReadonlyMap<string, readonly MethodShape[]>;
}

/**
 * Reads an encoded `google.protobuf.FileDescriptorSet`, as `buf build` writes it with comments. It understands what
 * proto/edgebos uses: proto3, top-level messages and enums, maps with scalar values, oneofs.
 */
export function parseDescriptorSet(bytes: Uint8Array): Schema {
  const schema = {
    files: [] as FileShape[],
    messages: new Map<string, MessageShape>(),
    enums: new Map<string, EnumShape>(),
    services: new Map<string, readonly MethodShape[]>(),
  };
  for (const fileBytes of new Fields(bytes).nested(FILE_SET.FILE)) {
    const file = new Fields(fileBytes);
    const prefix = `${file.text(FILE.PACKAGE)}.`;
    const comments = readComments(file);
    schema.files.push({ name: file.text(FILE.NAME), dependencies: file.texts(FILE.DEPENDENCY), bytes: fileBytes });
    file.nested(FILE.MESSAGE).forEach((message, index) => {
      const fields = new Fields(message);
      schema.messages.set(prefix + fields.text(NAME), readMessage(fields, comments, [FILE.MESSAGE, index]));
    });
    file.nested(FILE.ENUM).forEach((message, index) => {
      const fields = new Fields(message);
      schema.enums.set(prefix + fields.text(NAME), readEnum(fields, comments, [FILE.ENUM, index]));
    });
    file.nested(FILE.SERVICE).forEach((message, index) => {
      const fields = new Fields(message);
      schema.services.set(prefix + fields.text(NAME), readService(fields, comments, [FILE.SERVICE, index]));
    });
  }
  return schema;
}

function readMessage(message: Fields, comments: Comments, path: number[]): MessageShape {
  const oneofs = message.nested(MESSAGE.ONEOF).map((oneof) => camel(new Fields(oneof).text(NAME)));
  const entries = new Map(message.nested(MESSAGE.NESTED).map((nested) => [new Fields(nested).text(NAME), nested]));
  const fields = message.nested(MESSAGE.FIELD).map((bytes, index): FieldShape => {
    const field = new Fields(bytes);
    const comment = comments.at([...path, MESSAGE.FIELD, index]);
    const entry = entries.get(field.text(FIELD.TYPE_NAME).split(".").at(-1) ?? "");
    const value = entry && new Fields(entry).nested(MESSAGE.FIELD)[MAP_VALUE];
    const isList = field.number(FIELD.LABEL) === REPEATED;
    const oneof = field.has(FIELD.ONEOF_INDEX) ? oneofs[field.number(FIELD.ONEOF_INDEX)] : undefined;
    return {
      jsonName: field.text(FIELD.JSON_NAME),
      type: readType(value ? new Fields(value) : field),
      container: value ? "map" : isList ? "list" : "none",
      oneof,
      comment,
    };
  });
  return { fields, comment: comments.at(path) };
}

function readType(field: Fields): FieldType {
  const type = field.number(FIELD.TYPE);
  const name = field.text(FIELD.TYPE_NAME).replace(/^\./, "");
  if (type === TYPE_MESSAGE) return { kind: "message", name };
  if (type === TYPE_ENUM) return { kind: "enum", name };
  const scalar = SCALARS.get(type);
  if (scalar === undefined) throw new RangeError(`${field.text(NAME)}: protobuf type ${type} is not supported`);
  return { kind: "scalar", scalar };
}

function readEnum(message: Fields, comments: Comments, path: number[]): EnumShape {
  const values = new Map<number, string>();
  const valueComments: string[] = [];
  message.nested(ENUM_VALUE).forEach((bytes, index) => {
    const value = new Fields(bytes);
    values.set(value.number(ENUM_NUMBER), value.text(NAME));
    const comment = comments.at([...path, ENUM_VALUE, index]);
    if (comment !== "") valueComments.push(`${value.text(NAME)}: ${comment}`);
  });
  return { values, comment: comments.at(path), valueComments };
}

function readService(message: Fields, comments: Comments, path: number[]): MethodShape[] {
  return message.nested(SERVICE_METHOD).map((bytes, index) => {
    const method = new Fields(bytes);
    return {
      name: method.text(NAME),
      input: method.text(METHOD.INPUT).slice(1),
      output: method.text(METHOD.OUTPUT).slice(1),
      streams: method.number(METHOD.SERVER_STREAMING) === 1,
      comment: comments.at([...path, SERVICE_METHOD, index]),
    };
  });
}

interface Comments {
  at(path: readonly number[]): string;
}

function readComments(file: Fields): Comments {
  const byPath = new Map<string, string>();
  for (const info of file.nested(FILE.SOURCE_CODE_INFO)) {
    for (const bytes of new Fields(info).nested(SOURCE_LOCATION)) {
      const location = new Fields(bytes);
      const path = location.nested(LOCATION.PATH)[0];
      const comment = location
        .text(LOCATION.LEADING_COMMENTS)
        .trim()
        .split(/\s*\n\s*/)
        .join(" ");
      if (path !== undefined && comment !== "") byPath.set(packedVarints(path).join("."), comment);
    }
  }
  return { at: (path) => byPath.get(path.join(".")) ?? "" };
}

/** The fields of one encoded message by number. */
class Fields {
  readonly #byNumber = new Map<number, (number | Uint8Array)[]>();

  constructor(bytes: Uint8Array) {
    for (const { number, value } of wireFields(bytes)) {
      const values = this.#byNumber.get(number);
      if (values === undefined) this.#byNumber.set(number, [value]);
      else values.push(value);
    }
  }

  has(number: number): boolean {
    return this.#byNumber.has(number);
  }

  number(number: number): number {
    const value = this.#byNumber.get(number)?.at(-1);
    return typeof value === "number" ? value : 0;
  }

  text(number: number): string {
    return this.texts(number).at(-1) ?? "";
  }

  texts(number: number): string[] {
    return this.nested(number).map((bytes) => new TextDecoder().decode(bytes));
  }

  nested(number: number): Uint8Array[] {
    return (this.#byNumber.get(number) ?? []).filter((value) => typeof value !== "number");
  }
}

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** Field numbers of google/protobuf/descriptor.proto. */
const FILE_SET = { FILE: 1 } as const;
const FILE = { NAME: 1, PACKAGE: 2, DEPENDENCY: 3, MESSAGE: 4, ENUM: 5, SERVICE: 6, SOURCE_CODE_INFO: 9 } as const;
const NAME = 1;
const MESSAGE = { FIELD: 2, NESTED: 3, ONEOF: 8 } as const;
const FIELD = { LABEL: 4, TYPE: 5, TYPE_NAME: 6, ONEOF_INDEX: 9, JSON_NAME: 10 } as const;
const ENUM_VALUE = 2;
const ENUM_NUMBER = 2;
const SERVICE_METHOD = 2;
const METHOD = { INPUT: 2, OUTPUT: 3, SERVER_STREAMING: 6 } as const;
const SOURCE_LOCATION = 1;
const LOCATION = { PATH: 1, LEADING_COMMENTS: 3 } as const;
/** Index of the value among the two fields of a map entry. */
const MAP_VALUE = 1;
const REPEATED = 3;
const TYPE_MESSAGE = 11;
const TYPE_ENUM = 14;
const SCALARS: ReadonlyMap<number, ScalarName> = new Map([
  [1, "double"],
  [3, "int64"],
  [4, "uint64"],
  [5, "int32"],
  [8, "bool"],
  [9, "string"],
  [12, "bytes"],
  [13, "uint32"],
]);
