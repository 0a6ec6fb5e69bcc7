import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { forwardingChanges, looseFilterChanges, Sysctls } from "./sysctls.ts";

test("what was changed is put back, also by another process after a crash", (t) => {
  const machine = fakeMachine(t, { "ipv4/ip_forward": "0", "ipv6/conf/all/forwarding": "1" });
  machine.open().apply([
    { key: "ipv4/ip_forward", value: "1" },
    { key: "ipv6/conf/all/forwarding", value: "1" },
  ]);
  assert.equal(machine.read("ipv4/ip_forward"), "1");

  const later = machine.open();
  later.apply([{ key: "ipv4/ip_forward", value: "1" }]);
  later.restore();
  assert.equal(machine.read("ipv4/ip_forward"), "0");
  assert.equal(machine.read("ipv6/conf/all/forwarding"), "1", "it was so before us");
  assert.ok(!existsSync(machine.record));
});

test("a value that somebody else set in the meantime is kept", (t) => {
  const machine = fakeMachine(t, { "ipv4/conf/eth0/rp_filter": "1" });
  const sysctls = machine.open();
  sysctls.apply([{ key: "ipv4/conf/eth0/rp_filter", value: "2" }]);
  machine.write("ipv4/conf/eth0/rp_filter", "0");
  sysctls.restore();
  assert.equal(machine.read("ipv4/conf/eth0/rp_filter"), "0");
});

test("a setting that does not exist is reported and does not stop the others", (t) => {
  const machine = fakeMachine(t, { "ipv4/ip_forward": "0" });
  const { failures } = machine.open().apply([
    { key: "ipv6/conf/all/forwarding", value: "1" },
    { key: "ipv4/ip_forward", value: "1" },
  ]);
  assert.deepEqual(
    failures.map((failure) => failure.key),
    ["ipv6/conf/all/forwarding"],
  );
  assert.equal(machine.read("ipv4/ip_forward"), "1");
});

test("forwarding keeps router advertisements where they were accepted, and says so before it forwards", (t) => {
  const machine = fakeMachine(t, {
    "ipv4/ip_forward": "0",
    "ipv6/conf/all/forwarding": "0",
    "ipv6/conf/all/accept_ra": "1",
    "ipv6/conf/wwan0/accept_ra": "1",
    "ipv6/conf/eth0/accept_ra": "0",
    "ipv6/conf/edgebos0/accept_ra": "1",
  });
  assert.deepEqual(
    forwardingChanges(machine.open(), "edgebos0").map(({ key, value }) => `${key}=${value}`),
    ["ipv4/ip_forward=1", "ipv6/conf/wwan0/accept_ra=2", "ipv6/conf/all/forwarding=1"],
  );
});

test("reverse-path filtering is loosened only where it is strict", (t) => {
  const values = { "ipv4/conf/a/rp_filter": "1", "ipv4/conf/b/rp_filter": "0", "ipv4/conf/c/rp_filter": "2" };
  const lax = fakeMachine(t, { ...values, "ipv4/conf/all/rp_filter": "0" }).open();
  const keys = (sysctls: Sysctls) => looseFilterChanges(sysctls, ["a", "b", "c"]).map(({ key }) => key.split("/")[2]);
  assert.deepEqual(keys(lax), ["a"]);
  const strict = fakeMachine(t, { ...values, "ipv4/conf/all/rp_filter": "1" }).open();
  assert.deepEqual(keys(strict), ["a", "b"]);
});

function fakeMachine(t: TestContext, values: Record<string, string>) {
  const directory = mkdtempSync(join(tmpdir(), "dp-sysctl-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const write = (key: string, value: string) => {
    mkdirSync(dirname(join(directory, "sys", key)), { recursive: true });
    writeFileSync(join(directory, "sys", key), `${value}\n`);
  };
  for (const [key, value] of Object.entries(values)) write(key, value);
  const record = join(directory, "record.json");
  return {
    record,
    write,
    open: () => new Sysctls(record, join(directory, "sys")),
    read: (key: string) => readFileSync(join(directory, "sys", key), "utf8").trim(),
  };
}
