import assert from "node:assert/strict";
import { test } from "node:test";
import { prettyLine } from "./pretty-line.ts";

const BASE = { time: "2026-01-02T03:04:05.006Z", level: "info", service: "api", msg: "started" };
const line = (fields: object) => prettyLine(JSON.stringify({ ...BASE, ...fields }), false);

test("a line has time, level, service and text, then its fields", () => {
  assert.match(
    line({ port: 9080, name: "two words" }),
    /^\d\d:04:05\.006 INFO {2}api {7}started port=9080 name="two words"\n$/,
  );
});

test("an error shows its message in the line and its stack below", () => {
  const text = line({
    level: "error",
    err: { message: "no route", code: "ENETUNREACH", stack: "Error: no route\n  at x" },
  });
  assert.match(text, /ERROR api +started err="no route" code=ENETUNREACH\n {4}Error: no route\n {6}at x\n$/);
});

test("colours are used only where they are wanted", () => {
  assert.ok(prettyLine(JSON.stringify(BASE), true).includes("\x1b["));
  assert.ok(!line({}).includes("\x1b["));
});
