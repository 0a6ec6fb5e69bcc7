import assert from "node:assert/strict";
import { test } from "node:test";
import type { AddressInfo, LinkInfo, RouteInfo } from "@edgebos/linux-io";
import { findUplinks, isUsable, type KernelSnapshot, NO_MEMORY, rememberUplinks, usableSources } from "./uplink.ts";

test("an interface with carrier, a global address and a default gateway joins by itself", () => {
  const uplink = only(find(KERNEL));
  assert.equal(uplink.name, "eth0");
  assert.equal(uplink.gatewayV4, "10.0.0.1");
  assert.ok(isUsable(uplink));
});

test("without carrier, address or gateway it does not join", () => {
  assert.deepEqual(find({ ...KERNEL, links: [{ ...ETH0, carrier: false }] }), []);
  assert.deepEqual(find({ ...KERNEL, addresses: [] }), []);
  assert.deepEqual(find({ ...KERNEL, routes: [] }), []);
});

test("tentative, link-local and host addresses do not count", () => {
  const unusable: AddressInfo[] = [
    { ...ADDRESS, usable: false },
    { ...ADDRESS, address: "169.254.3.4", prefixLength: 16 },
    { ...ADDRESS, scope: "host" },
    { ...ADDRESS, family: 6, address: "fe80::2", prefixLength: 64 },
  ];
  for (const address of unusable) assert.deepEqual(find({ ...KERNEL, addresses: [address] }), []);
});

test("a gateway serves only addresses of its own family", () => {
  const v6 = { ...ADDRESS, family: 6, address: "fd00::2", prefixLength: 64 } as const;
  assert.deepEqual(find({ ...KERNEL, addresses: [v6] }), []);
  const uplink = only(find({ ...KERNEL, addresses: [v6, ADDRESS] }));
  assert.deepEqual(
    uplink.sources.map((source) => source.family),
    [4, 6],
  );
  assert.deepEqual(
    usableSources(uplink).map((source) => source.address),
    ["10.0.0.2"],
  );
});

test("an uplink that loses carrier, address or gateway stays listed until the interface is gone", () => {
  const memory = rememberUplinks(find(KERNEL));
  const broken: KernelSnapshot = { links: [{ ...ETH0, up: false, carrier: false }], addresses: [], routes: [] };
  const uplink = only(findUplinks(broken, configOf({}), () => 1, memory));
  assert.ok(!isUsable(uplink));
  assert.deepEqual(
    findUplinks({ ...broken, links: [] }, configOf({}), () => 1, memory),
    [],
  );
});

test("the gateway is remembered while an address of its network is there", () => {
  const memory = rememberUplinks(find(KERNEL));
  const flushed: KernelSnapshot = { ...KERNEL, routes: [] };
  assert.equal(only(findUplinks(flushed, configOf({}), () => 1, memory)).gatewayV4, "10.0.0.1");
  const moved: KernelSnapshot = { ...flushed, addresses: [{ ...ADDRESS, address: "10.9.0.2" }] };
  assert.equal(only(findUplinks(moved, configOf({}), () => 1, memory)).gatewayV4, "");
});

test("a link that is taken down and up again finds its remembered gateway", () => {
  let memory = rememberUplinks(find(KERNEL));
  const off: KernelSnapshot = { links: [{ ...ETH0, up: false }], addresses: [], routes: [] };
  memory = rememberUplinks(
    findUplinks(off, configOf({}), () => 1, memory),
    memory,
  );
  const back: KernelSnapshot = { ...KERNEL, routes: [] };
  assert.ok(isUsable(only(findUplinks(back, configOf({}), () => 1, memory))));
});

test("our own table is the memory after a restart, but never outweighs the routes of others", () => {
  const own: RouteInfo = { ...DEFAULT, table: 8502, protocol: 85, gateway: "10.0.0.9" };
  assert.equal(only(find({ ...KERNEL, routes: [own] })).gatewayV4, "10.0.0.9");
  assert.equal(only(find({ ...KERNEL, routes: [own, DEFAULT] })).gatewayV4, "10.0.0.1");
});

test("of several default routes the main table's with the lowest metric wins, a next hop before none", () => {
  const routes: RouteInfo[] = [
    { ...DEFAULT, gateway: undefined, metric: 1 },
    { ...DEFAULT, table: 100, gateway: "10.0.0.7", metric: 2 },
    { ...DEFAULT, gateway: "10.0.0.8", metric: 300 },
    { ...DEFAULT, gateway: "10.0.0.9", metric: 200 },
  ];
  assert.equal(only(find({ ...KERNEL, routes })).gatewayV4, "10.0.0.9");
});

test("PPP and raw IP need no default route", () => {
  for (const hardwareType of [512, 519]) {
    const kernel: KernelSnapshot = { ...KERNEL, links: [{ ...ETH0, hardwareType }], routes: [] };
    assert.equal(only(find(kernel)).gatewayV4, "0.0.0.0");
  }
});

test("the tunnel, its table, other EdgeBOS tunnels, loopback, bridges and docker do not join", () => {
  assert.deepEqual(find({ ...KERNEL, routes: [{ ...DEFAULT, table: 8443 }] }), []);
  const internal: Partial<LinkInfo>[] = [
    { name: "edgebos0" },
    { name: "edgebos7", driverKind: "tun" },
    { name: "lo", hardwareType: 772 },
    { name: "br-lan", driverKind: "bridge" },
    { name: "docker0", driverKind: "bridge" },
  ];
  for (const change of internal) assert.deepEqual(find({ ...KERNEL, links: [{ ...ETH0, ...change }] }), []);
});

test("a bridge joins when the operator names it; the tunnel does not even then", () => {
  const bridge = { ...ETH0, name: "br-wan", driverKind: "bridge" };
  assert.equal(only(find({ ...KERNEL, links: [bridge] }, { manual: ["br-wan"] })).name, "br-wan");
  const tunnel = { ...ETH0, name: "edgebos0" };
  assert.ok(!find({ ...KERNEL, links: [tunnel] }, { manual: ["edgebos0"] }).some((uplink) => uplink.ifindex !== 0));
});

test("excluded names and patterns do not join", () => {
  assert.deepEqual(find(KERNEL, { exclude: ["eth0"] }), []);
  assert.deepEqual(find(KERNEL, { exclude: ["eth*"] }), []);
  assert.equal(find(KERNEL, { exclude: ["eth", "*0"] }).length, 1);
});

test("without auto_detect only the configured interfaces are links, and an absent one is listed as absent", () => {
  assert.deepEqual(find(KERNEL, { autoDetect: false }), []);
  const uplinks = find(KERNEL, { autoDetect: false, manual: ["eth0", "wwan0"] });
  assert.deepEqual(
    uplinks.map(({ name, ifindex }) => [name, ifindex]),
    [
      ["eth0", 2],
      ["wwan0", 0],
    ],
  );
});

interface Choice {
  readonly autoDetect?: boolean;
  readonly manual?: string[];
  readonly exclude?: string[];
}

function find(kernel: KernelSnapshot, choice: Choice = {}) {
  return findUplinks(kernel, configOf(choice), () => 1, NO_MEMORY);
}

function configOf({ autoDetect = true, manual = [], exclude = [] }: Choice) {
  const entry = { priority: 1, weight: 1, rate_limit_mbit: 0, role: "primary" } as const;
  return {
    interfaces: { auto_detect: autoDetect, manual: manual.map((name) => ({ name, ...entry })), exclude },
    tunnel: { interface: "edgebos0" },
  };
}

function only<T>(items: readonly T[]): T {
  assert.equal(items.length, 1);
  return items[0]!;
}

const ETH0: LinkInfo = {
  ifindex: 2,
  name: "eth0",
  hardwareType: 1,
  driverKind: "",
  mtuBytes: 1500,
  up: true,
  carrier: true,
  hardwareAddress: "02:00:00:00:00:01",
};
const ADDRESS: AddressInfo = {
  ifindex: 2,
  family: 4,
  address: "10.0.0.2",
  prefixLength: 24,
  scope: "global",
  usable: true,
};
const DEFAULT: RouteInfo = {
  family: 4,
  table: 254,
  destination: "0.0.0.0/0",
  gateway: "10.0.0.1",
  ifindex: 2,
  metric: 100,
  protocol: 16,
};
const KERNEL: KernelSnapshot = { links: [ETH0], addresses: [ADDRESS], routes: [DEFAULT] };
