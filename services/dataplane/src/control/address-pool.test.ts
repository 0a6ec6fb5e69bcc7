import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { AddressPool, parsePools } from "./address-pool.ts";

const known = () => true;

test("the server has the first address and clients follow", (t) => {
  const pool = new AddressPool(parsePools("10.231.0.0/16", "fdeb:0:0:1::/64"), temporaryFile(t));
  assert.deepEqual(pool.server, { host: 1, v4: "10.231.0.1", v6: "fdeb:0:0:1::1" });
  assert.deepEqual(pool.assign("van", known), { host: 2, v4: "10.231.0.2", v6: "fdeb:0:0:1::2" });
  assert.deepEqual(pool.assign("ship", known), { host: 3, v4: "10.231.0.3", v6: "fdeb:0:0:1::3" });
});

test("a client keeps its addresses over a restart", (t) => {
  const file = temporaryFile(t);
  const pools = parsePools("10.231.0.0/16", "fdeb:0:0:1::/64");
  new AddressPool(pools, file).assign("van", known);
  const ship = new AddressPool(pools, file).assign("ship", known);
  assert.deepEqual(new AddressPool(pools, file).assign("ship", known), ship);
});

test("a full pool takes an address only from a client that nobody knows any more", (t) => {
  const pool = new AddressPool(parsePools("10.9.0.0/29", "fd00::/64"), temporaryFile(t));
  const names = ["a", "b", "c", "d", "e"];
  assert.deepEqual(
    names.map((name) => pool.assign(name, known)?.v4),
    ["10.9.0.2", "10.9.0.3", "10.9.0.4", "10.9.0.5", "10.9.0.6"],
  );
  assert.equal(pool.assign("f", known), undefined);
  assert.equal(pool.assign("f", (name) => name !== "c")?.v4, "10.9.0.4");
});

test("a damaged file gives new addresses instead of no service", (t) => {
  const file = temporaryFile(t);
  writeFileSync(file, "{ half a");
  assert.equal(new AddressPool(parsePools("10.231.0.0/16", "fd00::/64"), file).assign("van", known)?.v4, "10.231.0.2");
});

test("host numbers cross byte borders", (t) => {
  const file = temporaryFile(t);
  writeFileSync(file, JSON.stringify({ hosts: { van: 300, liar: "x", server: 1, outside: 70_000 } }));
  const pool = new AddressPool(parsePools("10.231.0.0/16", "fdeb:0:0:1::/64"), file);
  assert.deepEqual(pool.assign("van", known), { host: 300, v4: "10.231.1.44", v6: "fdeb:0:0:1::12c" });
  assert.equal(pool.assign("outside", known)?.host, 2);
});

test("a pool without room for a client is an error", () => {
  assert.throws(() => parsePools("10.0.0.0/31", "fd00::/64"), RangeError);
});

function temporaryFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "dp-pool-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "addresses.json");
}
