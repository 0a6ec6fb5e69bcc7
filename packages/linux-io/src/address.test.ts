import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeAddress, encodeAddress, formatAddress } from "./address.ts";

test("addresses survive the record, IPv6 in canonical text", () => {
  const cases: [string, number, string][] = [
    ["192.0.2.1", 8443, "192.0.2.1:8443"],
    ["2001:db8::1", 1, "[2001:db8::1]:1"],
    ["2001:DB8:0:0:1:0:0:0", 65_535, "[2001:db8:0:0:1::]:65535"],
    ["::", 0, "[::]:0"],
    ["::1", 53, "[::1]:53"],
    ["1:0:2:3:4:5:6:7", 53, "[1:0:2:3:4:5:6:7]:53"],
    ["fe80::1%7", 53, "[fe80::1%7]:53"],
    ["::ffff:192.0.2.1", 80, "192.0.2.1:80"],
    ["64:ff9b::192.0.2.33", 80, "[64:ff9b::c000:221]:80"],
  ];
  for (const [host, port, text] of cases) {
    const record = encodeAddress(host, port);
    assert.equal(record.length, 64);
    assert.equal(formatAddress(record), text);
    assert.equal(decodeAddress(record).port, port);
  }
});

test("what is no address is refused", () => {
  for (const host of ["", "example.com", "1.2.3", "1.2.3.4.5", "::g"]) {
    assert.throws(() => encodeAddress(host, 1), TypeError, host);
  }
});
