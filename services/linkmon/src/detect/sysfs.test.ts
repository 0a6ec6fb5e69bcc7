import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { LinkInfo } from "@edgebos/linux-io";
import { interfaceFacts } from "./sysfs.ts";

const LINK: LinkInfo = {
  ifindex: 7,
  name: "wwan0",
  hardwareType: 1,
  driverKind: "",
  mtuBytes: 1500,
  up: true,
  carrier: true,
  hardwareAddress: "",
};

test("driver, device type and wireless are read from sysfs", (t) => {
  const root = mkdtempSync(join(tmpdir(), "linkmon-sysfs-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, "wwan0", "device"), { recursive: true });
  mkdirSync(join(root, "wwan0", "wireless"));
  mkdirSync(join(root, "drivers", "cdc_mbim"), { recursive: true });
  symlinkSync(join(root, "drivers", "cdc_mbim"), join(root, "wwan0", "device", "driver"));
  writeFileSync(join(root, "wwan0", "uevent"), "DEVTYPE=wwan\nINTERFACE=wwan0\nIFINDEX=7\n");
  assert.deepEqual(interfaceFacts(LINK, root), {
    hardwareType: 1,
    driverKind: "",
    driver: "cdc_mbim",
    deviceType: "wwan",
    wireless: true,
  });
});

test("an interface without a sysfs directory has no more facts than netlink gives", () => {
  const facts = interfaceFacts({ ...LINK, driverKind: "veth" }, "/nonexistent");
  assert.deepEqual(facts, { hardwareType: 1, driverKind: "veth", driver: "", deviceType: "", wireless: false });
});
