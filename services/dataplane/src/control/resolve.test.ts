import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Lookup, ServerResolver } from "./resolve.ts";

const silent: Lookup = () => new Promise(() => undefined);
const failing: Lookup = () => Promise.reject(new Error("EAI_AGAIN"));
const empty: Lookup = () => Promise.resolve([]);
const answering =
  (...addresses: string[]): Lookup =>
  () =>
    Promise.resolve(addresses);

test("an address needs no lookup", async (t) => {
  const resolver = resolverWith(t, "2001:db8::1", [failing]);
  assert.deepEqual(await resolver.resolve(), { v4: [], v6: ["2001:db8::1"] });
});

test("the quickest way with an answer wins over silent, failing and empty ones", async (t) => {
  const resolver = resolverWith(t, "vpn.example", [
    silent,
    failing,
    empty,
    answering("192.0.2.2", "2001:db8::2", "192.0.2.1"),
  ]);
  assert.deepEqual(await resolver.resolve(), { v4: ["192.0.2.1", "192.0.2.2"], v6: ["2001:db8::2"] });
});

test("the last answer serves while nobody answers, also after a restart", async (t) => {
  const file = temporaryFile(t);
  await resolverWith(t, "vpn.example", [answering("192.0.2.1")], file).resolve();
  const later = resolverWith(t, "vpn.example", [silent], file);
  assert.deepEqual(await later.resolve(), { v4: ["192.0.2.1"], v6: [] });
});

test("an answer for another name is not used", async (t) => {
  const file = temporaryFile(t);
  await resolverWith(t, "old.example", [answering("192.0.2.1")], file).resolve();
  await assert.rejects(resolverWith(t, "new.example", [failing], file).resolve(), /"new\.example" \(server\.host\)/);
});

function resolverWith(t: TestContext, host: string, lookups: Lookup[], file = temporaryFile(t)): ServerResolver {
  return new ServerResolver({ host, file, lookups: () => lookups, limitMs: 50 });
}

function temporaryFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "dp-resolve-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "server.json");
}
