import assert from "node:assert/strict";
import { afterEach, beforeEach, suite, test } from "node:test";
import { createPoller } from "../poller.ts";
import { ip, reasonWithoutRoot } from "../test-support.ts";
import type { RouteEvent, RouteSocket } from "../types.ts";
import { openRouteSocket } from "./route-socket.ts";

const A = "lio-nl0";
const B = "lio-nl1";
const TABLE = 41_300;

test("loopback is in the dumps of links and addresses", () => {
  const socket = openRouteSocket();
  const loopback = socket.links().find((link) => link.name === "lo");
  assert.equal(loopback?.hardwareType, 772);
  const address = socket.addresses().find((entry) => entry.address === "127.0.0.1");
  assert.deepEqual(address, {
    ifindex: loopback?.ifindex,
    family: 4,
    address: "127.0.0.1",
    prefixLength: 8,
    scope: "host",
    usable: true,
  });
  socket.close();
});

suite("with a veth pair", { skip: reasonWithoutRoot() }, () => {
  let socket: RouteSocket;

  beforeEach(() => {
    socket = openRouteSocket();
    ip(`link add ${A} type veth peer name ${B}`);
  });

  afterEach(() => {
    ip(`link del ${A}`);
    socket.close();
  });

  test("a link's kind, MTU, hardware address, state and carrier are read", () => {
    ip(`link set ${A} address 02:00:00:00:13:01 mtu 1400 up`);
    const before = socket.links().find((link) => link.name === A);
    assert.partialDeepStrictEqual(before, {
      hardwareType: 1,
      driverKind: "veth",
      mtuBytes: 1400,
      up: true,
      carrier: false,
      hardwareAddress: "02:00:00:00:13:01",
    });
    ip(`link set ${B} up`);
    assert.equal(socket.links().find((link) => link.name === A)?.carrier, true);
  });

  test("addresses and routes of both families are read, each next hop as a route", () => {
    const { ifindex } = up(socket);
    ip(`addr add 198.18.9.1/24 dev ${A}`);
    ip(`-6 addr add fd00:13::1/64 dev ${A} nodad`);
    ip(`route add default via 198.18.9.2 dev ${A} table ${TABLE} metric 7 proto 42`);
    ip(`route add 203.0.113.0/24 table ${TABLE} nexthop via 198.18.9.3 dev ${A} nexthop via 198.18.9.4 dev ${A}`);
    ip(`-6 route add 2001:db8::/32 via fd00:13::2 dev ${A} table ${TABLE}`);
    const addresses = socket.addresses().filter((address) => address.ifindex === ifindex && address.scope === "global");
    assert.deepEqual(
      addresses.map((address) => [address.family, address.address, address.prefixLength, address.usable]),
      [
        [4, "198.18.9.1", 24, true],
        [6, "fd00:13::1", 64, true],
      ],
    );
    const common = { table: TABLE, ifindex };
    assert.deepEqual(
      socket.routes().filter((route) => route.table === TABLE),
      [
        { ...common, family: 4, destination: "0.0.0.0/0", gateway: "198.18.9.2", metric: 7, protocol: 42 },
        { ...common, family: 4, destination: "203.0.113.0/24", gateway: "198.18.9.3", metric: 0, protocol: 3 },
        { ...common, family: 4, destination: "203.0.113.0/24", gateway: "198.18.9.4", metric: 0, protocol: 3 },
        { ...common, family: 6, destination: "2001:db8::/32", gateway: "fd00:13::2", metric: 1024, protocol: 3 },
      ],
    );
  });

  test("changes arrive as events, and the descriptor becomes readable", () => {
    const poller = createPoller();
    poller.add(socket.fd);
    const { ifindex } = up(socket);
    drain(socket);
    ip(`addr add 198.18.9.1/24 dev ${A}`);
    ip(`route add 203.0.113.0/24 via 198.18.9.2 dev ${A} table ${TABLE}`);
    ip(`route del 203.0.113.0/24 table ${TABLE}`);
    ip(`addr del 198.18.9.1/24 dev ${A}`);
    assert.equal(poller.wait(1e6), 1);
    const events = drain(socket);
    const kinds = (wanted: (event: RouteEvent) => boolean) => events.filter(wanted).map((event) => event.kind);
    const isAddress = (event: RouteEvent) => "address" in event && event.address.address === "198.18.9.1";
    assert.deepEqual(kinds(isAddress), ["address", "address-gone"]);
    const isRoute = (event: RouteEvent) => "route" in event && event.route.table === TABLE;
    assert.deepEqual(kinds(isRoute), ["route", "route-gone"]);
    ip(`link set ${B} down`);
    const lostCarrier = (event: RouteEvent) =>
      event.kind === "link" && event.link.ifindex === ifindex && !event.link.carrier;
    while (!drain(socket).some(lostCarrier)) assert.equal(poller.wait(2e6), 1, "the carrier's loss is not reported");
  });

  test("a link that is removed is reported with its name", () => {
    ip("link add lio-nl2 type veth peer name lio-nl3");
    drain(socket);
    ip("link del lio-nl2");
    const gone = drain(socket).flatMap((event) => (event.kind === "link-gone" ? [event.name] : []));
    assert.ok(gone.includes("lio-nl2") && gone.includes("lio-nl3"));
  });
});

function up(socket: RouteSocket): { readonly ifindex: number } {
  ip(`link set ${A} up`);
  ip(`link set ${B} up`);
  const link = socket.links().find((entry) => entry.name === A);
  assert.ok(link);
  return link;
}

/** The kernel delivers events before the call that causes them returns, but for those of the carrier. */
function drain(socket: RouteSocket): RouteEvent[] {
  const events: RouteEvent[] = [];
  socket.drain((event) => events.push(event));
  return events;
}
