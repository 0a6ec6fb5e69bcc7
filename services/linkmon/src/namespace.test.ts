import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { NamespaceLab, until } from "./test-support/namespace-lab.ts";

/** The product's promise: a change of the kernel is known to all services within a second. */
const KNOWN_WITHIN_MS = 1000;

describe("linkmon in a network namespace", { skip: NamespaceLab.missing }, () => {
  const lab = new NamespaceLab();
  before(async () => {
    await lab.create();
    lab.plug(0);
    lab.plug(1);
    lab.startLinkmon();
  });
  after(() => lab.remove());

  test("finds both links and routes what is sent from their addresses over them, in both families", async () => {
    for (const n of [0, 1]) await lab.hears(`wan${n}`, (link) => link?.carrier === true, 0);
    for (const n of [0, 1]) {
      const v4 = lab.ip(`route get 203.0.113.1 from 10.${70 + n}.0.2`);
      assert.match(v4, new RegExp(`via 10.${70 + n}.0.1 dev wan${n} table ${8500 + lab.ifindex(`wan${n}`)}`));
      const v6 = lab.ip(`-6 route get 2001:db8:113::1 from fd0${n}::2`);
      assert.match(v6, new RegExp(`via fd0${n}::1 dev wan${n} table ${8500 + lab.ifindex(`wan${n}`)}`));
    }
  });

  test("tells the world what it found", async () => {
    const { link } = lab.heard.findLast(({ name }) => name === "wan0")!;
    assert.deepEqual(
      [link?.kind, link?.condition, link?.addresses, link?.gatewayV4, link?.gatewayV6],
      ["LINK_KIND_ETHERNET", "LINK_CONDITION_CONNECTING", ["10.70.0.2", "fd00::2"], "10.70.0.1", "fd00::1"],
    );
    assert.match(lab.metrics(), /edgebos_link_condition\{link="wan1",condition="connecting",[^}]*\} 1/);
  });

  test("puts back what somebody flushed", async () => {
    const table = 8500 + lab.ifindex("wan0");
    lab.ip(`rule del priority 20000 from 10.70.0.2`);
    lab.ip(`route flush table ${table}`);
    await until(() => lab.ip("rule").includes("from 10.70.0.2"), "the rule");
    await until(() => lab.ip(`route show table ${table}`).includes("default via 10.70.0.1"), "the route");
  });

  test("a lost carrier is known to all within a second, and its return", async (t) => {
    const cut = Date.now();
    lab.ip(`-n ${lab.router} link set isp1 down`);
    const lossMs = await lab.hears("wan1", (link) => link?.condition === "LINK_CONDITION_DOWN", cut);
    const back = Date.now();
    lab.ip(`-n ${lab.router} link set isp1 up`);
    const returnMs = await lab.hears("wan1", (link) => link?.condition === "LINK_CONDITION_CONNECTING", back);
    t.diagnostic(`carrier loss known after ${lossMs} ms, return after ${returnMs} ms`);
    assert.ok(lossMs < KNOWN_WITHIN_MS && returnMs < KNOWN_WITHIN_MS);
  });

  test("an interface taken down and up keeps its remembered gateway", async () => {
    const cut = Date.now();
    lab.ip("link set wan1 down");
    await lab.hears("wan1", (link) => link?.condition === "LINK_CONDITION_DOWN", cut);
    const back = Date.now();
    lab.ip("link set wan1 up");
    await lab.hears("wan1", (link) => link?.condition === "LINK_CONDITION_CONNECTING" && link.gatewayV4 !== "", back);
    assert.ok(!lab.ip("route show default").includes("wan1"));
    assert.match(lab.ip("route get 203.0.113.1 from 10.71.0.2"), /via 10.71.0.1 dev wan1/);
  });

  test("an interface that is plugged in joins within a second of its address, and one that is pulled out goes", async (t) => {
    lab.plug(2);
    const plugged = Date.now();
    const foundMs = await lab.hears("wan2", (link) => link?.carrier === true, plugged);
    assert.match(lab.ip("route get 203.0.113.1 from 10.72.0.2"), /dev wan2/);
    const pulled = Date.now();
    lab.ip("link del wan2");
    const goneMs = await lab.hears("wan2", (link) => link === undefined, pulled);
    t.diagnostic(`new link known after ${foundMs} ms, removal after ${goneMs} ms`);
    assert.ok(foundMs < KNOWN_WITHIN_MS && goneMs < KNOWN_WITHIN_MS);
    await until(() => !lab.ip("rule").includes("10.72.0.2"), "the rule's removal");
  });

  test("two links with the same address are both routed, each for sockets bound to its device", async () => {
    const since = Date.now();
    lab.plug(3);
    lab.ip("addr add 10.70.0.2/24 dev wan3");
    await lab.hears("wan3", (link) => link?.addresses?.includes("10.70.0.2") === true, since);
    assert.match(lab.ip("route get 203.0.113.1 from 10.70.0.2 oif wan3"), /via 10.73.0.1 dev wan3/);
    assert.match(lab.ip("route get 203.0.113.1 from 10.70.0.2 oif wan0"), /via 10.70.0.1 dev wan0/);
    lab.ip("link del wan3");
    await lab.hears("wan3", (link) => link === undefined, since);
    await until(() => lab.ip("rule").split("from 10.70.0.2").length === 2, "the twin's rule to go");
  });

  test("an excluded interface is left alone", async () => {
    lab.ip("link add offwan type veth peer name offisp");
    for (const command of ["link set offisp up", "link set offwan up", "addr add 10.99.0.2/24 dev offwan"])
      lab.ip(command);
    lab.ip("route add default via 10.99.0.1 dev offwan metric 500");
    const since = Date.now();
    lab.plug(4);
    await lab.hears("wan4", (link) => link?.carrier === true, since);
    assert.ok(!lab.ip("rule").includes("10.99.0.2"));
    assert.ok(!lab.heard.some(({ name }) => name === "offwan"));
    lab.ip("link del wan4");
  });

  test("what changed while it was dead is set right when it starts again; what did not stays as it was", async () => {
    const before = lab.heard.findLast(({ name }) => name === "wan0")!.link;
    await lab.endLinkmon("SIGKILL");
    lab.ip("link del wan1");
    assert.ok(lab.ip("rule").includes("10.71.0.2"));
    const since = Date.now();
    lab.startLinkmon();
    await lab.hears("wan1", (link) => link === undefined, since);
    await lab.hears("wan0", (link) => link?.generation === before?.generation, since);
    assert.ok(!lab.ip("rule").includes("10.71.0.2"));
    assert.ok(lab.ip("rule").includes("10.70.0.2"));
  });

  test("a clean stop takes away every rule and route of its own, and nothing else", async () => {
    assert.equal(await lab.endLinkmon("SIGTERM"), 0);
    for (const family of ["-4", "-6"]) {
      assert.ok(!lab.ip(`${family} rule`).includes("20000:"));
      assert.ok(!lab.ip(`${family} route show table all`).includes("proto 85"));
    }
    assert.match(lab.ip("route show default"), /via 10.70.0.1 dev wan0/);
  });
});
