import { createRequire } from "node:module";

/**
 * The part of the `yaml` library that is used here. It is the service kit's own copy, found from there: what checks the file and what edits it
 * must read YAML alike.
 */
export interface YamlLibrary {
  parseDocument(text: string): YamlDocument;
  isMap(node: unknown): boolean;
}

export interface YamlDocument {
  contents: unknown;
  readonly errors: readonly Error[];
  getIn(path: readonly string[], keepScalar: true): unknown;
  setIn(path: readonly string[], value: unknown): void;
  deleteIn(path: readonly string[]): boolean;
  createNode(value: unknown): unknown;
  toJS(): unknown;
  toString(options: { lineWidth: number }): string;
}

export const yaml: YamlLibrary = createRequire(import.meta.resolve("@edgebos/service"))("yaml");
