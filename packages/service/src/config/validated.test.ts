import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseConfig } from "./index.ts";
import { readValidated, writeValidated } from "./validated.ts";

const TEXT = "server: {host: a}\nsecurity: {certificate: c, key: k}\n";

test("a validated configuration is used while its source is unchanged", (t) => {
  const { file, source } = files(t);
  const config = parseConfig(TEXT, source);
  writeValidated(file, source, TEXT, config);
  assert.deepEqual(readValidated(file, source), config);
  assert.ok(Object.isFrozen(readValidated(file, source)?.server));
  writeFileSync(source, TEXT.replace("a", "b"));
  assert.equal(readValidated(file, source), undefined);
});

test("one of another source, a damaged one and none at all are not used", (t) => {
  const { file, source } = files(t);
  assert.equal(readValidated(file, source), undefined);
  writeFileSync(file, "{");
  assert.equal(readValidated(file, source), undefined);
  writeValidated(file, "/elsewhere/config.yaml", TEXT, parseConfig(TEXT, source));
  assert.equal(readValidated(file, source), undefined);
});

function files(t: TestContext): { file: string; source: string } {
  const directory = mkdtempSync(join(tmpdir(), "edgebos-validated-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const source = join(directory, "config.yaml");
  writeFileSync(source, TEXT);
  return { file: join(directory, "validated.json"), source };
}
