import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type GuardedRequest, guard } from "./guard.ts";

describe("the guard", () => {
  for (const host of ["localhost", "localhost:9080", "127.0.0.1:9080", "[::1]:9080", "10.1.2.3", "gate.lan:9080"]) {
    test(`answers to ${host}`, () => guard(request({ host }), "gate.lan"));
  }

  for (const host of [
    "evil.example",
    "evil.example:9080",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "",
    undefined,
  ]) {
    test(`does not answer to the name ${host}`, () => {
      assert.throws(() => guard(request({ host }), "127.0.0.1"), { code: "wrong-host", status: 421 });
    });
  }

  test("lets its own page and programs change things", () => {
    const host = "127.0.0.1:9080";
    guard({ method: "PATCH", headers: { host } }, "127.0.0.1");
    guard(
      { method: "PATCH", headers: { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" } },
      "127.0.0.1",
    );
  });

  for (const headers of [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "http://127.0.0.1:8000" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ]) {
    test(`refuses changes with ${JSON.stringify(headers)}`, () => {
      const foreign = { method: "PATCH", headers: { host: "127.0.0.1:9080", ...headers } };
      assert.throws(() => guard(foreign, "127.0.0.1"), { code: "foreign-origin", status: 403 });
    });
  }
});

function request(headers: GuardedRequest["headers"]): GuardedRequest {
  return { method: "GET", headers };
}
