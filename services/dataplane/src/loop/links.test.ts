import assert from "node:assert/strict";
import { test } from "node:test";
import { type AddressInfo, type LinkInfo, type RouteEvent, SystemError } from "@edgebos/linux-io";
import type { Bond, Micros } from "@edgebos/tunnel";
import type { LinkSocket, LoopMessage } from "./commands.ts";
import type { Udp } from "./io.ts";
import { Links } from "./links.ts";

const SECOND_US = 1_000_000;

const losses: [string, RouteEvent][] = [
  ["its carrier", linkEvent({ carrier: false })],
  ["its administrator's favour", linkEvent({ up: false })],
  ["its device", { kind: "link-gone", ifindex: 3, name: "eth0" }],
  ["its address", addressEvent("address-gone")],
];
for (const [what, event] of losses) {
  test(`a link that loses ${what} is left at once`, () => {
    const machine = oneLink();
    machine.links.handleRouteEvent(event, at(1));
    assert.deepEqual(machine.log, ["open", "suspend", "link-lost"]);
    assert.equal(machine.links.socketOf(0), undefined);
  });
}

test("a link is taken up again when carrier or address are back", () => {
  for (const back of [linkEvent({}), addressEvent("address")]) {
    const machine = oneLink();
    machine.links.handleRouteEvent(linkEvent({ carrier: false }), at(1));
    machine.links.handleRouteEvent(back, at(2));
    assert.deepEqual(machine.log.slice(3), ["link-back", "resume"]);
    assert.notEqual(machine.links.socketOf(0), undefined);
  }
});

test("news of other links and addresses change nothing", () => {
  const machine = oneLink();
  machine.links.handleRouteEvent(linkEvent({ name: "eth1", carrier: false }), at(1));
  machine.links.handleRouteEvent(addressEvent("address-gone", "10.9.9.9"), at(1));
  machine.links.handleRouteEvent({ kind: "overrun" }, at(1));
  assert.deepEqual(machine.log, ["open"]);
});

test("without carrier a link is not tried by itself, after a failed send it is, once a second", () => {
  const machine = oneLink();
  machine.links.handleRouteEvent(linkEvent({ carrier: false }), at(1));
  machine.links.tick(at(60));
  assert.equal(machine.links.socketOf(0), undefined);

  const other = oneLink();
  other.links.onSendError(0, ENETUNREACH);
  assert.ok(other.links.hasFailed);
  other.links.tick(at(1));
  assert.deepEqual(other.log, ["open", "suspend", "link-lost"]);
  other.links.tick(at(1.9));
  assert.equal(other.links.socketOf(0), undefined);
  other.links.tick(at(2));
  assert.deepEqual(other.log.slice(3), ["link-back", "resume"]);
});

test("an error that concerns one datagram does not block the link", () => {
  const machine = oneLink();
  machine.links.onSendError(0, EMSGSIZE);
  machine.links.tick(at(5));
  assert.deepEqual(machine.log, ["open"]);
});

test("a link whose socket cannot be opened is told of once and tried until it can", () => {
  const machine = oneLink({ openFails: true });
  for (let second = 1; second < 5; second++) machine.links.tick(at(second));
  assert.deepEqual(machine.log, ["link-lost"]);
  machine.openFails = false;
  machine.links.tick(at(6));
  assert.deepEqual(machine.log, ["link-lost", "link-back", "open"]);
});

test("a dropped link gives its socket back and its path is suspended", () => {
  const machine = oneLink();
  machine.links.drop(0, at(1));
  assert.deepEqual(machine.log, ["open", "suspend"]);
  assert.deepEqual(machine.openSockets(), 0);
  machine.links.handleRouteEvent(linkEvent({}), at(2));
  assert.deepEqual(machine.log, ["open", "suspend"]);
});

const ENETUNREACH = 101;
const EMSGSIZE = 90;
const ENODEV = 19;

const LINK: LinkSocket = {
  path: 0,
  name: "eth0",
  device: "eth0",
  ifindex: 3,
  address: "10.1.0.2",
  serverAddress: "203.0.113.1",
  serverPort: 8443,
  maxDatagramBytes: 1472,
};

/** One link in use by a bond; `log` has what was done to the path and said to the main thread. */
function oneLink({ openFails = false } = {}) {
  const log: string[] = [];
  const paths: number[] = [];
  const state = { openFails };
  let open = 0;
  const bond = {
    pathIds: () => paths,
    openPath: (id: number) => {
      paths.push(id);
      log.push("open");
    },
    resumePath: () => log.push("resume"),
    suspendPath: () => log.push("suspend"),
  } as unknown as Bond;
  const io = {
    poller: { add: () => 0, remove: () => undefined },
    openUdp: () => {
      if (state.openFails) throw new SystemError("bind", ENODEV);
      open++;
      return { fd: 9 } as Udp;
    },
    closeUdp: () => {
      open--;
    },
    encodeAddress: () => new Uint8Array(64),
  };
  const links = new Links(io, (message: LoopMessage) => log.push(message.kind));
  links.use(bond, at(0));
  links.set(LINK, at(0));
  return Object.assign(state, { links, log, openSockets: () => open });
}

function at(seconds: number): Micros {
  return (seconds * SECOND_US) as Micros;
}

function linkEvent(difference: Partial<LinkInfo>): RouteEvent {
  const link = { ifindex: 3, name: "eth0", up: true, carrier: true, ...difference } as LinkInfo;
  return { kind: "link", link };
}

function addressEvent(kind: "address" | "address-gone", address = "10.1.0.2"): RouteEvent {
  return { kind, address: { ifindex: 3, family: 4, address, usable: true } as AddressInfo };
}
