import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIpv6, parseAddress, parsePrefix, plainAddress } from "./addresses.ts";

test("IPv6 text goes to bytes and back in its shortest form", () => {
  for (const text of ["::", "::1", "fd00::", "fdeb:0:0:1::2", "2001:db8::a:0:0:1", "fe80::1:2:3:4"]) {
    assert.equal(formatIpv6(parseAddress(text)), text);
  }
  assert.deepEqual(parseAddress("::ffff:1.2.3.4").slice(12), Uint8Array.of(1, 2, 3, 4));
});

test("host bits of a prefix are cleared", () => {
  assert.equal(parsePrefix("10.231.7.9/16").text, "10.231.0.0/16");
  assert.equal(parsePrefix("fdeb::1:2:3:4/60").text, "fdeb::/60");
  assert.equal(parsePrefix("0.0.0.0/0").text, "0.0.0.0/0");
});

test("what is no prefix is refused", () => {
  for (const text of ["10.0.0.0", "10.0.0.0/33", "fd00::/129", "x/8", "10.0.0.0/8/8", "10.0.0.0/"]) {
    assert.throws(() => parsePrefix(text), RangeError, text);
  }
});

test("a remote address of a dual-stack socket is told in its own family", () => {
  assert.equal(plainAddress("::ffff:192.0.2.1"), "192.0.2.1");
  assert.equal(plainAddress("fe80::1%eth0"), "fe80::1");
});
