import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceCommands, innerMtuBytes, maxDatagramBytes, routeCommands } from "./commands.ts";

test("the device gets its MTU, both inner addresses and no duplicate address detection", () => {
  assert.deepEqual(
    deviceCommands({
      device: "edgebos0",
      mtuBytes: 1436,
      v4: { address: "10.231.0.2", prefix: 16 },
      v6: { address: "fdeb:0:0:1::2", prefix: 64 },
    }),
    {
      v4: [
        "link set dev edgebos0 addrgenmode none",
        "link set dev edgebos0 mtu 1436 txqueuelen 5000 up",
        "addr replace 10.231.0.2/16 dev edgebos0",
      ],
      v6: ["addr replace fdeb:0:0:1::2/64 dev edgebos0 nodad"],
    },
  );
});

test("default routing leads both families into the tunnel and keeps the server outside", () => {
  const batch = routeCommands({
    device: "edgebos0",
    mode: "default",
    routes: [],
    serverAddresses: ["203.0.113.1", "2001:db8::1"],
  });
  const lines = (server: string) => [
    "route replace default dev edgebos0 table 8443",
    `rule add priority 21000 to ${server} lookup main`,
    "rule add priority 22000 lookup main suppress_prefixlength 0",
    "rule add priority 23000 lookup 8443",
  ];
  assert.deepEqual(batch, { v4: lines("203.0.113.1"), v6: lines("2001:db8::1") });
});

test("split routing leads only the configured prefixes into the tunnel", () => {
  const batch = routeCommands({
    device: "edgebos0",
    mode: "split",
    routes: ["198.51.100.0/24", "2001:db8:100::/64"],
    serverAddresses: [],
  });
  assert.equal(batch.v4[0], "route replace 198.51.100.0/24 dev edgebos0 table 8443");
  assert.equal(batch.v6[0], "route replace 2001:db8:100::/64 dev edgebos0 table 8443");
  assert.ok(![...batch.v4, ...batch.v6].some((line) => line.includes("default")));
});

test("no routing adds nothing", () => {
  assert.deepEqual(
    routeCommands({ device: "edgebos0", mode: "none", routes: ["10.0.0.0/8"], serverAddresses: ["192.0.2.1"] }),
    { v4: [], v6: [] },
  );
});

test("the inner MTU leaves room for IP, UDP and 36 bytes of the tunnel", () => {
  assert.equal(innerMtuBytes(1500, 4), 1436);
  assert.equal(innerMtuBytes(1500, 6), 1416);
  assert.equal(innerMtuBytes(576, 4), 1280);
  assert.equal(maxDatagramBytes(1500, 4), 1472);
});
