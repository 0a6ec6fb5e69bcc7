import { type Document, isMap, parseDocument } from "yaml";
import { ManagementError } from "../management/errors.ts";

type PatchObject = { readonly [key: string]: unknown };

/**
 * Applies a JSON merge patch (RFC 7386), itself written as JSON or YAML, to a YAML text and gives the new text. Comments, order and
 * quoting of what the patch does not touch stay as they are. Throws ManagementError `patch-invalid` if the patch is not an object,
 * and `configuration-file-invalid` if the text is not YAML.
 */
export function mergePatch(text: string, patch: string): string {
  const changes = parsePatch(patch);
  const document: Document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) {
    throw new ManagementError(
      "configuration-file-invalid",
      `the file is not valid YAML, mend it first: ${error.message}`,
    );
  }
  if (!isMap(document.contents)) document.contents = document.createNode({});
  merge(document, [], changes);
  return document.toString({ lineWidth: 0 });
}

function parsePatch(patch: string): PatchObject {
  const document = parseDocument(patch);
  const [error] = document.errors;
  if (error !== undefined)
    throw new ManagementError("patch-invalid", `the patch is not YAML or JSON: ${error.message}`);
  const value: unknown = document.toJS();
  if (isObject(value)) return value;
  const text = 'the patch must be an object of the keys to change, such as {"bonding": {"algorithm": "adaptive"}}';
  throw new ManagementError("patch-invalid", text);
}

function merge(document: Document, path: readonly string[], changes: PatchObject): void {
  for (const [key, value] of Object.entries(changes)) {
    const at = [...path, key];
    if (value === null) {
      document.deleteIn(at);
    } else if (!isObject(value)) {
      document.setIn(at, value);
    } else if (isMap(document.getIn(at, true))) {
      merge(document, at, value);
    } else {
      document.setIn(at, document.createNode(withoutNulls(value)));
    }
  }
}

/** A patch's null deletes, so it never stands in the result (RFC 7386 §2). */
function withoutNulls(value: PatchObject): PatchObject {
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, isObject(inner) ? withoutNulls(inner) : inner]));
}

function isObject(value: unknown): value is PatchObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
