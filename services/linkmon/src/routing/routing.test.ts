import assert from "node:assert/strict";
import { test } from "node:test";
import type { KernelSnapshot, Uplink } from "../detect/uplink.ts";
import { routingCommands } from "./commands.ts";
import { desiredRouting, NO_ROUTING } from "./desired.ts";
import { ownRoutes, ownRules } from "./present.ts";
import { SourceRouter } from "./source-router.ts";

test("a link gets its networks, its default route and a rule for each address, in this order", () => {
  assert.deepEqual(routingCommands(NO_ROUTING, desiredRouting([ETH0]), nameOf), {
    4: [
      "route replace 10.0.0.0/24 dev eth0 table 8502 protocol 85",
      "route replace default via 10.0.0.1 dev eth0 table 8502 protocol 85",
      "rule add from 10.0.0.2 lookup 8502 priority 20000 protocol 85",
    ],
    6: [
      "route replace fd00::/64 dev eth0 table 8502 protocol 85",
      "route replace default via fe80::1 dev eth0 table 8502 protocol 85",
      "rule add from fd00::2 lookup 8502 priority 20000 protocol 85",
    ],
  });
});

test("what already stands needs no command", () => {
  const desired = desiredRouting([ETH0, PPP0]);
  assert.deepEqual(routingCommands(desired, desired, nameOf), { 4: [], 6: [] });
});

test("a point-to-point link has a default route without a next hop", () => {
  assert.deepEqual(routingCommands(NO_ROUTING, desiredRouting([PPP0]), nameOf)[4], [
    "route replace default dev ppp0 table 8503 protocol 85",
    "rule add from 100.64.0.9 lookup 8503 priority 20000 protocol 85",
  ]);
});

test("a gateway outside the link's networks is declared to be on the link", () => {
  const hosted = { ...ETH0, sources: [{ family: 4, address: "10.0.0.2", prefixLength: 32 }] } as const;
  assert.deepEqual(routingCommands(NO_ROUTING, desiredRouting([hosted]), nameOf)[4], [
    "route replace default via 10.0.0.1 dev eth0 onlink table 8502 protocol 85",
    "rule add from 10.0.0.2 lookup 8502 priority 20000 protocol 85",
  ]);
});

test("a new gateway replaces the old one in a single step", () => {
  const changed = desiredRouting([{ ...ETH0, gatewayV4: "10.0.0.254" }]);
  assert.deepEqual(routingCommands(desiredRouting([ETH0]), changed, nameOf), {
    4: ["route replace default via 10.0.0.254 dev eth0 table 8502 protocol 85"],
    6: [],
  });
});

test("a changed address moves the rule; the old one goes before the new one comes", () => {
  const moved = desiredRouting([
    { ...ETH0, sources: [{ family: 4, address: "10.0.0.77", prefixLength: 24 }], gatewayV6: "" },
  ]);
  assert.deepEqual(routingCommands(desiredRouting([ETH0]), moved, nameOf)[4], [
    "rule del from 10.0.0.2 lookup 8502 priority 20000 protocol 85",
    "rule add from 10.0.0.77 lookup 8502 priority 20000 protocol 85",
  ]);
});

test("of an interface that is gone only the rules are left to remove", () => {
  assert.deepEqual(
    routingCommands(desiredRouting([ETH0]), NO_ROUTING, () => undefined),
    {
      4: ["rule del from 10.0.0.2 lookup 8502 priority 20000 protocol 85"],
      6: ["rule del from fd00::2 lookup 8502 priority 20000 protocol 85"],
    },
  );
});

test("a link that is down, or has no gateway, is not routed; one without carrier stays routed", () => {
  assert.deepEqual(desiredRouting([{ ...ETH0, up: false }]), NO_ROUTING);
  assert.deepEqual(desiredRouting([{ ...ETH0, gatewayV4: "", gatewayV6: "" }]), NO_ROUTING);
  assert.deepEqual(desiredRouting([{ ...ETH0, carrier: false }]), desiredRouting([ETH0]));
});

test("two links with one and the same address each keep their rule and table", () => {
  const twin = { ...ETH0, name: "ppp0", ifindex: 3, gatewayV6: "" };
  const lines = routingCommands(NO_ROUTING, desiredRouting([{ ...ETH0, gatewayV6: "" }, twin]), nameOf)[4];
  assert.ok(lines.includes("rule add from 10.0.0.2 lookup 8502 priority 20000 protocol 85"));
  assert.ok(lines.includes("rule add from 10.0.0.2 lookup 8503 priority 20000 protocol 85"));
});

test("only rules of our priority and tables are taken for ours", () => {
  const json = JSON.stringify([
    { priority: 0, src: "all", table: "255" },
    { priority: 20000, src: "10.0.0.2", table: "8502", protocol: "85" },
    { priority: 20000, src: "10.0.0.3", table: "254" },
    { priority: 21000, src: "10.0.0.4", table: "8502" },
  ]);
  assert.deepEqual(ownRules(json, 4), [{ family: 4, from: "10.0.0.2", table: 8502 }]);
  assert.deepEqual(ownRules("", 6), []);
});

test("only routes of our protocol number are taken for ours", () => {
  const route = {
    family: 4,
    table: 8502,
    destination: "0.0.0.0/0",
    gateway: "10.0.0.1",
    ifindex: 2,
    metric: 0,
  } as const;
  assert.deepEqual(
    ownRoutes([
      { ...route, protocol: 3 },
      { ...route, table: 254, protocol: 85 },
    ]),
    [],
  );
  assert.equal(ownRoutes([{ ...route, protocol: 85 }]).length, 1);
});

test("leftovers of a crash are removed and what somebody flushed is written again", async () => {
  const ran: string[] = [];
  const router = new SourceRouter({
    ruleJson: async (family) =>
      JSON.stringify(family === 4 ? [{ priority: 20000, src: "192.168.9.9", table: "8509", protocol: "85" }] : []),
    batch: async (family, lines) => {
      ran.push(...lines.map((line) => `-${family} ${line}`));
      return [];
    },
  });
  const outcome = await router.reconcile([{ ...ETH0, gatewayV6: "" }], KERNEL);
  assert.deepEqual(ran, [
    "-4 rule del from 192.168.9.9 lookup 8509 priority 20000 protocol 85",
    "-4 route replace default via 10.0.0.1 dev eth0 table 8502 protocol 85",
    "-4 rule add from 10.0.0.2 lookup 8502 priority 20000 protocol 85",
  ]);
  assert.deepEqual(outcome, { commands: 3, complaints: [] });
});

test("rules are read again only when there is something to do, or on demand", async () => {
  let reads = 0;
  const router = new SourceRouter({
    ruleJson: async () => {
      reads++;
      return "[]";
    },
    batch: async () => [],
  });
  const eth0 = { ...ETH0, gatewayV6: "" };
  await router.reconcile([eth0], KERNEL);
  assert.equal(reads, 2);
  const settled: KernelSnapshot = { ...KERNEL, routes: [...KERNEL.routes, DEFAULT_ROUTE_OF_ETH0] };
  assert.deepEqual(await router.reconcile([eth0], settled), { commands: 0, complaints: [] });
  assert.equal(reads, 2);
  router.distrust();
  assert.equal((await router.reconcile([eth0], settled)).commands, 1);
  assert.equal(reads, 4);
});

test("after a complaint nothing is taken for granted", async () => {
  const router = new SourceRouter({
    ruleJson: async () => "[]",
    batch: async () => ["RTNETLINK answers: No such device"],
  });
  const first = await router.reconcile([{ ...ETH0, gatewayV6: "" }], KERNEL);
  assert.deepEqual(first.complaints, ["RTNETLINK answers: No such device"]);
  const settled: KernelSnapshot = { ...KERNEL, routes: [...KERNEL.routes, DEFAULT_ROUTE_OF_ETH0] };
  assert.equal((await router.reconcile([{ ...ETH0, gatewayV6: "" }], settled)).commands, 1);
});

function nameOf(ifindex: number): string | undefined {
  return { 2: "eth0", 3: "ppp0" }[ifindex];
}

const ETH0: Uplink = {
  name: "eth0",
  ifindex: 2,
  kind: 1,
  mtuBytes: 1500,
  up: true,
  carrier: true,
  sources: [
    { family: 4, address: "10.0.0.2", prefixLength: 24 },
    { family: 6, address: "fd00::2", prefixLength: 64 },
  ],
  gatewayV4: "10.0.0.1",
  gatewayV6: "fe80::1",
};

const PPP0: Uplink = {
  ...ETH0,
  name: "ppp0",
  ifindex: 3,
  sources: [{ family: 4, address: "100.64.0.9", prefixLength: 32 }],
  gatewayV4: "0.0.0.0",
  gatewayV6: "",
};

/** eth0 exists and has its connected route; its default route was flushed. */
const KERNEL: KernelSnapshot = {
  links: [
    {
      ifindex: 2,
      name: "eth0",
      hardwareType: 1,
      driverKind: "",
      mtuBytes: 1500,
      up: true,
      carrier: true,
      hardwareAddress: "",
    },
  ],
  addresses: [],
  routes: [
    { family: 4, table: 8502, destination: "10.0.0.0/24", gateway: undefined, ifindex: 2, metric: 0, protocol: 85 },
  ],
};

const DEFAULT_ROUTE_OF_ETH0: KernelSnapshot["routes"][number] = {
  family: 4,
  table: 8502,
  destination: "0.0.0.0/0",
  gateway: "10.0.0.1",
  ifindex: 2,
  metric: 0,
  protocol: 85,
};
