import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRNO, errnoName } from "./libc.ts";
import { SystemError, systemError } from "./system-error.ts";

test("an error names the call, errno and what to do; the call's own advice wins", () => {
  const general = systemError("TUNSETIFF edgebos0", ERRNO.EPERM);
  assert.ok(general instanceof SystemError);
  assert.equal(general.code, "EPERM");
  assert.equal(general.errno, 1);
  assert.match(general.message, /^TUNSETIFF edgebos0: EPERM\. Run as root, or .*CAP_NET_ADMIN/);
  const special = systemError("bind UDP", 98, { EADDRINUSE: "Choose port 9." });
  assert.equal(special.message, "bind UDP: EADDRINUSE. Choose port 9.");
});

test("the errno numbers in use are those of this machine", () => {
  for (const [name, value] of Object.entries(ERRNO)) {
    assert.equal(errnoName(value), name);
  }
  assert.equal(errnoName(9999), "E9999");
});
