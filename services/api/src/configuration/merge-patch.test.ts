import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseDocument } from "yaml";
import { mergePatch } from "./merge-patch.ts";

describe("a merge patch", () => {
  // RFC 7386, appendix A: those cases whose original and patch are objects.
  for (const [original, patch, result] of [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{ a: "foo" }, { b: { c: null } }, { a: "foo", b: {} }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ] as const) {
    test(`${JSON.stringify(patch)} on ${JSON.stringify(original)} gives ${JSON.stringify(result)}`, () => {
      const text = mergePatch(JSON.stringify(original), JSON.stringify(patch));
      assert.deepEqual(parseDocument(text).toJS(), result);
    });
  }

  test("leaves comments, order and quoting of the rest alone", () => {
    const text = [
      "# the van",
      "server:",
      '  host: "a.example" # the old one',
      "",
      "bonding:",
      '  algorithm: "adaptive"  # round-robin, weighted, ...',
      "",
    ].join("\n");
    const patched = mergePatch(text, "bonding: {algorithm: weighted}\nlog: {level: debug}");
    assert.match(patched, /^# the van\nserver:\n {2}host: "a\.example" # the old one\n\nbonding:\n/);
    assert.match(patched, /algorithm: "weighted" +# round-robin, weighted, \.\.\.\n/);
    assert.match(patched, /log:\n {2}level: debug\n$/);
  });

  test("fills a section whose children are all commented out, and an empty file", () => {
    assert.deepEqual(read(mergePatch("log:\n  # level: debug\n", '{"log":{"level":"warn"}}')), {
      log: { level: "warn" },
    });
    assert.deepEqual(read(mergePatch("", '{"a":1}')), { a: 1 });
  });

  test("must be an object", () => {
    for (const patch of ["[1]", "text", "null", "", "7"]) {
      assert.throws(() => mergePatch("a: 1", patch), { code: "patch-invalid", message: /must be an object/ });
    }
    assert.throws(() => mergePatch("a: 1", "{a: "), { code: "patch-invalid", message: /is not YAML or JSON/ });
  });

  test("is not applied to a file that is not YAML", () => {
    assert.throws(() => mergePatch("a: [1", "{}"), { code: "configuration-file-invalid" });
  });
});

function read(text: string): unknown {
  return parseDocument(text).toJS();
}
