import assert from "node:assert/strict";
import { test } from "node:test";
import { link } from "@edgebos/proto";
import { LinkBook, sameSocket } from "./links.ts";

const BOTH = { v4: ["203.0.113.1"], v6: ["2001:db8::1"] };

test("a link with carrier, address and gateway becomes a path to the server's address of its family", () => {
  const book = bookOf(linkWith({ name: "wwan0", addresses: ["10.1.0.2", "2001:db8:1::2"], gatewayV4: "10.1.0.1" }));
  assert.deepEqual(book.wanted()[0]?.socket, {
    path: 0,
    name: "wwan0",
    device: "wwan0",
    ifindex: 3,
    address: "10.1.0.2",
    serverAddress: "203.0.113.1",
    serverPort: 8443,
    maxDatagramBytes: 1472,
  });
});

test("a link that has only IPv6 uses IPv6", () => {
  const [path] = bookOf(linkWith({ addresses: ["2001:db8:1::2"], gatewayV6: "fe80::1" })).wanted();
  assert.deepEqual([path?.socket.serverAddress, path?.socket.maxDatagramBytes], ["2001:db8::1", 1452]);
});

const useless: [string, Partial<link.Link>][] = [
  ["no carrier", { carrier: false }],
  ["no address", { addresses: [] }],
  ["no gateway", { gatewayV4: "" }],
  ["an address of another family than the server", { addresses: ["2001:db8:1::2"], gatewayV4: "10.1.0.1" }],
];
for (const [what, difference] of useless) {
  test(`a link with ${what} has no path`, () => {
    assert.deepEqual(bookOf(linkWith(difference)).wanted(), []);
  });
}

test("a link keeps its path number when it goes and comes back", () => {
  const book = bookOf(linkWith({ name: "a" }), linkWith({ name: "b" }));
  const numbers = () => book.wanted().map(({ socket }) => [socket.name, socket.path]);
  assert.deepEqual(numbers(), [
    ["a", 0],
    ["b", 1],
  ]);
  book.set("a", undefined);
  assert.deepEqual(numbers(), [["b", 1]]);
  book.set("c", linkWith({ name: "c" }));
  book.set("a", linkWith({ name: "a" }));
  assert.deepEqual(numbers().sort(), [
    ["a", 0],
    ["b", 1],
    ["c", 2],
  ]);
});

test("a change of quality leaves the socket alone, a change of address or device does not", () => {
  const book = bookOf(linkWith({}));
  const before = book.wanted()[0]?.socket;
  const after = (difference: Partial<link.Link>) => {
    book.set("eth0", linkWith(difference));
    return book.wanted()[0]!.socket;
  };
  assert.ok(sameSocket(before, after({ generation: 9, reason: "slow" })));
  assert.ok(!sameSocket(before, after({ addresses: ["10.1.0.3"] })));
  assert.ok(!sameSocket(before, after({ ifindex: 7 })));
});

test("the best link is dialled first", () => {
  const book = bookOf(linkWith({ name: "slow" }), linkWith({ name: "quick" }), linkWith({ name: "new" }));
  const rtt = new Map([
    ["slow", 80],
    ["quick", 20],
  ]);
  const order = book.candidates((name) => rtt.get(name) ?? Number.MAX_SAFE_INTEGER).map(({ link }) => link);
  assert.deepEqual(order, ["quick", "slow", "new"]);
});

test("the inner MTU is what the smallest link carries whole", () => {
  assert.equal(bookOf().innerMtuBytes(), 1436);
  assert.equal(bookOf(linkWith({}), linkWith({ name: "ppp0", mtuBytes: 1492 })).innerMtuBytes(), 1428);
});

function linkWith(difference: Partial<link.Link>): link.Link {
  return link.Link.fromPartial({
    name: "eth0",
    ifindex: 3,
    carrier: true,
    mtuBytes: 1500,
    addresses: ["10.1.0.2"],
    gatewayV4: "10.1.0.1",
    ...difference,
  });
}

function bookOf(...links: link.Link[]): LinkBook {
  const book = new LinkBook(8443);
  book.setServer(BOTH);
  for (const entry of links) book.set(entry.name, entry);
  return book;
}
