import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { deviceCommands, routeCommands } from "./commands.ts";
import { presentLines, reconcile } from "./reconcile.ts";

const settings = {
  device: "lo",
  mode: "default",
  routes: [],
  serverAddresses: ["192.0.2.1", "2001:db8::1"],
} as const;

test("what is there and wanted is left alone, the rest is added before anything is removed", () => {
  const { add, remove } = reconcile(
    ["rule add priority 21000 to 192.0.2.1 lookup main", "route replace a"],
    ["route replace a", "rule add priority 21000 to 192.0.2.9 lookup main"],
  );
  assert.deepEqual(add, ["rule add priority 21000 to 192.0.2.9 lookup main"]);
  assert.deepEqual(remove, ["rule del priority 21000 to 192.0.2.1 lookup main"]);
});

test("a rule that stands twice is removed once", () => {
  const line = "rule add priority 23000 lookup 8443";
  assert.deepEqual(reconcile([line, line], [line]).remove, ["rule del priority 23000 lookup 8443"]);
});

test("a route to a single host is known again, however ip or its owner writes it", () => {
  const routes = ["0.0.0.0/0", "198.51.100.2/32", "198.51.100.3", "10.0.0.0/8", "2001:DB8::5/128", "2001:db8:0::/48"];
  const { v4, v6 } = routeCommands({ ...settings, mode: "split", routes });
  const shownV4 =
    "default dev lo scope link \n10.0.0.0/8 dev lo scope link \n198.51.100.2 dev lo scope link \n198.51.100.3 dev lo scope link \n";
  const shownV6 = "2001:db8::5 dev lo metric 1024 pref medium\n2001:db8::/48 dev lo metric 1024 pref medium\n";
  const isRoute = (line: string): boolean => line.startsWith("route");
  assert.deepEqual(reconcile(presentLines("", shownV4), v4.filter(isRoute)), { add: [], remove: [] });
  assert.deepEqual(reconcile(presentLines("", shownV6), v6.filter(isRoute)), { add: [], remove: [] });
});

test("rules of others are not seen", () => {
  const text = "0:\tfrom all lookup local\n20000:\tfrom 10.1.0.2 lookup 8503\n32766:\tfrom all lookup main \n";
  assert.deepEqual(presentLines(text, ""), []);
});

const skip = ipMissing();
test("what ip shows after the commands are run is what they said, in both families", { skip }, () => {
  const wanted = routeCommands(settings);
  for (const [family, lines] of [
    ["-4", wanted.v4],
    ["-6", wanted.v6],
  ] as const) {
    const [rules = "", routes = ""] = shell(
      `ip link set lo up; ${batch(family, lines)}; ip ${family} rule show; echo ----; ip ${family} route show table 8443`,
    ).split("----\n");
    assert.deepEqual(reconcile(presentLines(rules, routes), lines), { add: [], remove: [] });
  }
});

test("what was added can be removed and added again, and the device takes its settings twice", { skip }, () => {
  const wanted = routeCommands(settings);
  const device = deviceCommands({
    device: "lo",
    mtuBytes: 1436,
    v4: { address: "10.231.0.2", prefix: 16 },
    v6: { address: "fdeb::2", prefix: 64 },
  });
  const script = (["v4", "v6"] as const).flatMap((family) => {
    const flag = family === "v4" ? "-4" : "-6";
    const { remove } = reconcile(wanted[family], []);
    return [device[family], device[family], wanted[family], remove, wanted[family]].map((lines) => batch(flag, lines));
  });
  shell(script.join("\n"));
});

function batch(family: string, lines: readonly string[]): string {
  return `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(" ")} | ip ${family} -batch -`;
}

/** Output of `script` in a network namespace of its own; fails where a command of it fails. */
function shell(script: string): string {
  const { status, stdout, stderr } = spawnSync("unshare", ["-n", "bash", "-e", "-o", "pipefail", "-c", script], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

function ipMissing(): string | false {
  if (process.getuid?.() !== 0) return "needs root";
  const probe = spawnSync("unshare", ["-n", "ip", "link"], { encoding: "utf8" });
  return probe.status === 0 ? false : "ip or unshare is not usable here";
}
