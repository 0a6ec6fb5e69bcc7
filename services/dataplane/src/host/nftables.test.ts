import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { tableName, tableRemovalText, tableText } from "./nftables.ts";

const server = {
  kind: "server",
  device: "edgebos0",
  poolV4: "10.231.0.0/16",
  poolV6: "fdeb:0:0:1::/64",
  uplink: "",
  masquerade: true,
} as const;
const client = {
  kind: "client",
  device: "edgebos0",
  innerV4: "10.231.0.2",
  innerV6: "fdeb:0:0:1::2",
  masquerade: true,
} as const;

test("a server masquerades its pools out of any interface but the tunnel", () => {
  assert.match(tableText(server), /ip saddr 10\.231\.0\.0\/16 .*oifname != "edgebos0" masquerade/);
  assert.match(tableText({ ...server, uplink: "eth0" }), /ip6 saddr fdeb:0:0:1::\/64 .*oifname "eth0" masquerade/);
});

test("a client masquerades what does not come from its own inner address", () => {
  assert.match(tableText(client), /oifname "edgebos0" ip saddr != 10\.231\.0\.2 masquerade/);
  assert.match(tableText(client), /ip6 saddr != \{ fdeb:0:0:1::2, fe80::\/10 \} masquerade/);
});

test("without masquerading only the segment size is clamped", () => {
  const text = tableText({ ...client, masquerade: false });
  assert.doesNotMatch(text, /masquerade|postrouting/);
  assert.equal(text.match(/maxseg size set rt mtu/g)?.length, 2);
});

test("the table replaces its predecessor in one transaction", () => {
  assert.match(tableText(server), /^table inet edgebos_edgebos0\ndelete table inet edgebos_edgebos0\ntable inet/);
  assert.equal(tableRemovalText("edgebos0"), "table inet edgebos_edgebos0\ndelete table inet edgebos_edgebos0\n");
  assert.equal(tableName("edge-bos.1"), "edgebos_edge_bos_1");
});

const nftSkip = nftMissing();
test("nft accepts every form", { skip: nftSkip }, () => {
  for (const text of [
    tableText(server),
    tableText({ ...server, uplink: "eth0" }),
    tableText(client),
    tableRemovalText("x"),
  ]) {
    const { status, stderr } = spawnSync("unshare", ["-n", "nft", "-c", "-f", "-"], { input: text, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }
});

function nftMissing(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  const probe = spawnSync("unshare", ["-n", "nft", "list", "tables"], { encoding: "utf8" });
  return probe.status === 0 ? false : "nft or unshare is not usable here";
}
