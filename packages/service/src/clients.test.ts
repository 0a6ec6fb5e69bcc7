import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readClients } from "./clients.ts";

test("clients are read in both YAML notations", (t) => {
  const text =
    "clients:\n  - {name: van, fingerprint_sha256: AB:CD, added: 2026-01-01T00:00:00Z}\n  - name: ship\n    fingerprint_sha256: ef\n    added: x\n";
  assert.deepEqual(
    readClients(fileWith(t, text)).map(({ name, fingerprint_sha256 }) => [name, fingerprint_sha256]),
    [
      ["van", "AB:CD"],
      ["ship", "ef"],
    ],
  );
});

test("no file and an empty list let nobody in", (t) => {
  assert.deepEqual(readClients("/nonexistent/clients.yaml"), []);
  assert.deepEqual(readClients(fileWith(t, "clients:\n")), []);
  assert.deepEqual(readClients(fileWith(t, "")), []);
});

test("a damaged list is an error that names the file", (t) => {
  for (const text of ["clients: {", "clients: [{name: van}]", "clients: 7"]) {
    assert.throws(() => readClients(fileWith(t, text)), /clients\.yaml is not a list of clients/);
  }
});

function fileWith(t: TestContext, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), "edgebos-clients-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "clients.yaml");
  writeFileSync(file, text);
  return file;
}
