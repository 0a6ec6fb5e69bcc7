import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalAddress, isLinkLocalV4, isLinkLocalV6, networkOf, sharesNetwork } from "./prefix.ts";

test("the network of an address keeps exactly the prefix's bits, in both families", () => {
  assert.equal(networkOf("10.11.12.13", 24), "10.11.12.0/24");
  assert.equal(networkOf("10.11.12.13", 20), "10.11.0.0/20");
  assert.equal(networkOf("10.11.12.13", 32), "10.11.12.13/32");
  assert.equal(networkOf("10.11.12.13", 0), "0.0.0.0/0");
  assert.equal(networkOf("fd11::2:0:0:3", 64), "fd11::/64");
  assert.equal(networkOf("2001:db8:ffff:1234:5:6:7:8", 50), "2001:db8:ffff::/50");
  assert.equal(networkOf("::1", 128), "::1/128");
});

test("two addresses share a network only within their family and prefix", () => {
  assert.ok(sharesNetwork("10.0.0.1", "10.0.0.200", 24));
  assert.ok(!sharesNetwork("10.0.1.1", "10.0.0.200", 24));
  assert.ok(sharesNetwork("10.0.1.1", "10.0.0.200", 23));
  assert.ok(sharesNetwork("fd00::1", "fd00::ffff", 64));
  assert.ok(!sharesNetwork("fd00:0:0:1::1", "fd00::1", 64));
  assert.ok(!sharesNetwork("0.0.0.1", "::1", 0));
});

test("an IPv4-mapped address is compared as 16 bytes", () => {
  assert.ok(sharesNetwork("::ffff:10.0.0.1", "::ffff:10.0.0.9", 120));
  assert.ok(!sharesNetwork("::ffff:10.0.0.1", "::ffff:10.0.1.1", 120));
});

test("link-local addresses of both families are recognised", () => {
  assert.ok(isLinkLocalV6("fe80::1"));
  assert.ok(isLinkLocalV6("febf::1"));
  assert.ok(!isLinkLocalV6("fec0::1"));
  assert.ok(isLinkLocalV4("169.254.9.9"));
  assert.ok(!isLinkLocalV4("169.253.9.9"));
});

test("addresses are written in one canonical way, and what is none is refused", () => {
  assert.equal(canonicalAddress("fd00:0:0::0001"), "fd00::1");
  assert.equal(canonicalAddress("10.0.0.1"), "10.0.0.1");
  assert.equal(canonicalAddress("10.0.0"), undefined);
});
