import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseDocument } from "yaml";
import { ConfigError, type ConfigErrorCode, configYaml, loadConfig, parseConfig, schemaKeys } from "./index.ts";

const MANUAL_EXAMPLE = `server:
  host: "your-server.example.com"
  port: 8443
interfaces:
  auto_detect: true
  # manual:
  #   - name: "eth0"
  #     priority: 1
bonding:
  algorithm: "adaptive"  # round-robin, weighted, latency-based, adaptive
security:
  certificate: "/path/to/client-cert.pem"
  key: "/path/to/client-key.pem"
`;

test("the example of the product's manual works as it stands, and everything else has its default", () => {
  const config = parseConfig(MANUAL_EXAMPLE, "/etc/edgebos/config.yaml");
  assert.deepEqual(config.server, { host: "your-server.example.com", port: 8443 });
  assert.equal(config.role, "client");
  assert.match(config.node, /^client-./);
  assert.equal(config.security.ca, "/path/to/ca.pem");
  assert.deepEqual(config.tunnel, {
    interface: "edgebos0",
    mtu: 0,
    pool_ipv4: "10.231.0.0/16",
    pool_ipv6: "fdeb:0:0:1::/64",
  });
  assert.deepEqual(config.routing, { mode: "default", routes: [], masquerade: true, uplink: "" });
  assert.equal(config.state_dir, "/var/lib/edgebos/client");
  assert.equal(config.listen.metrics.scheduler, "127.0.0.1:9103");
  assert.ok(Object.isFrozen(config.listen.metrics));
});

test("a server has other ports and another directory than a client", () => {
  const config = parseConfig(`role: server\n${MANUAL_EXAMPLE}`, "config.yaml");
  assert.equal(config.state_dir, "/var/lib/edgebos/server");
  assert.deepEqual(
    [config.listen.grpc, config.listen.http, config.listen.nats],
    ["127.0.0.1:9543", "127.0.0.1:9180", "127.0.0.1:9522"],
  );
});

test("relative paths are relative to the file", () => {
  const text = MANUAL_EXAMPLE.replaceAll("/path/to/", "certs/");
  const { security, state_dir } = parseConfig(`${text}state_dir: ../state\n`, "/etc/edgebos/config.yaml");
  assert.deepEqual(security, {
    certificate: "/etc/edgebos/certs/client-cert.pem",
    key: "/etc/edgebos/certs/client-key.pem",
    ca: "/etc/edgebos/certs/ca.pem",
  });
  assert.equal(state_dir, "/etc/state");
});

test("the effective configuration reads back to itself", () => {
  const config = parseConfig(
    `${MANUAL_EXAMPLE}routing: {mode: split, routes: [10.0.0.0/8, "2001:db8::/32"]}\n`,
    "/a/b.yaml",
  );
  const yaml = configYaml(config);
  assert.deepEqual(parseConfig(yaml, "/elsewhere/c.yaml"), config);
  assert.equal(configYaml(parseConfig(yaml, "/elsewhere/c.yaml")), yaml);
});

test("a section whose keys are all commented out counts as absent", () => {
  assert.equal(parseConfig(`${MANUAL_EXAMPLE}tunnel:\n  # mtu: 1400\nlog:\n`, "c.yaml").log.level, "info");
});

describe("what is wrong is said with line, column, key and what is allowed", () => {
  const cases: [name: string, text: string, message: string][] = [
    [
      "a wrong type",
      MANUAL_EXAMPLE.replace("8443", '"x"'),
      'c.yaml:3:9: server.port: must be a whole number from 1 to 65535, not "x"',
    ],
    [
      "a wrong choice",
      MANUAL_EXAMPLE.replace('"adaptive"', "fastest"),
      'c.yaml:10:14: bonding.algorithm: must be round-robin, weighted, latency-based, adaptive or redundant, not "fastest"',
    ],
    [
      "a typing mistake",
      MANUAL_EXAMPLE.replace("auto_detect", "autodetetc"),
      "c.yaml:5:3: interfaces.autodetetc: there is no such key; did you mean auto_detect?",
    ],
    [
      "a key in the wrong place",
      `${MANUAL_EXAMPLE}mtu: 1400\n`,
      "c.yaml:14:1: mtu: there is no such key here; did you mean tunnel.mtu?",
    ],
    [
      "a key that is like no other",
      `${MANUAL_EXAMPLE}log: {xyzzy: 1}\n`,
      "c.yaml:14:7: log.xyzzy: there is no such key; allowed here: level, format",
    ],
    [
      "a missing section",
      "security: {certificate: a, key: b}\n",
      "c.yaml: server: is missing: add this section with the keys host, port",
    ],
    [
      "a missing key",
      MANUAL_EXAMPLE.replace(/ {2}host.*\n/, ""),
      "c.yaml:1:1: server.host: is missing: it must be a host name, an IPv4 address or an IPv6 address, without a port",
    ],
    [
      "a value in place of a section",
      `${MANUAL_EXAMPLE}log: loud\n`,
      'c.yaml:14:6: log: must be a section with the keys level, format, not "loud"',
    ],
    [
      "a host with a port",
      MANUAL_EXAMPLE.replace("example.com", "example.com:8443"),
      'c.yaml:2:9: server.host: must be a host name, an IPv4 address or an IPv6 address, without a port, not "your-server.example.com:8443"',
    ],
    [
      "an element of a list",
      `${MANUAL_EXAMPLE}routing:\n  mode: split\n  routes: [10.0.0.0/8, 10.0.0.0/33]\n`,
      'c.yaml:16:24: routing.routes[1]: must be a network such as 10.231.0.0/16, not "10.0.0.0/33"',
    ],
    [
      "an interface listed twice",
      MANUAL_EXAMPLE.replace(/ {2}# manual[^b]*priority: 1\n/, "  manual: [{name: eth0}, {name: eth0}]\n"),
      'c.yaml:6:33: interfaces.manual[1].name: "eth0" is listed twice',
    ],
    [
      "split without networks",
      `${MANUAL_EXAMPLE}routing: {mode: split}\n`,
      "c.yaml:14:1: routing.routes: must list at least one network when routing.mode is split",
    ],
    [
      "a port used twice",
      `${MANUAL_EXAMPLE}listen: {http: "127.0.0.1:9443"}\n`,
      "c.yaml:14:16: listen.http: 127.0.0.1:9443 is taken by listen.grpc: choose another port",
    ],
    [
      "a client without any interface",
      MANUAL_EXAMPLE.replace("auto_detect: true", "auto_detect: false"),
      "c.yaml:5:16: interfaces.auto_detect: is false and interfaces.manual is empty, so no link could ever be used: set it to true or list the interfaces",
    ],
    [
      "a state directory too deep for sockets",
      `${MANUAL_EXAMPLE}state_dir: /${"d".repeat(100)}\n`,
      "c.yaml:14:12: state_dir: is 13 bytes too long for the Unix sockets inside it: choose a shorter path",
    ],
    [
      "a key given twice",
      `${MANUAL_EXAMPLE}server: {host: b}\n`,
      "c.yaml:14:1: is not valid YAML: Map keys must be unique",
    ],
  ];
  for (const [name, text, message] of cases) {
    test(name, () => assert.equal(failure(() => parseConfig(text, "c.yaml")).message, message));
  }

  test("several problems come in the order of the file", () => {
    const text = MANUAL_EXAMPLE.replace("8443", "0").replace("true", "maybe");
    const error = failure(() => parseConfig(text, "c.yaml"));
    assert.deepEqual(
      error.problems.map(({ line, key }) => `${line} ${key}`),
      ["3 server.port", "5 interfaces.auto_detect"],
    );
  });
});

test("a file that is not there is another error than one that cannot be read", () => {
  const code = (file: string): ConfigErrorCode => failure(() => loadConfig(file)).code;
  assert.equal(code("/nonexistent/config.yaml"), "config-missing");
  assert.equal(code("/"), "config-unreadable");
});

test("config.example.yaml is valid, and shows each key of the schema with its default or commented out", () => {
  const file = join(import.meta.dirname, "../../../../config.example.yaml");
  const text = readFileSync(file, "utf8");
  parseConfig(text, file);
  const everything = text.replaceAll(/^( *)#(?! )/gm, "$1");
  const document = parseDocument(everything);
  assert.deepEqual(document.errors, []);
  const missing = schemaKeys().filter((key) => !document.hasIn(key.replaceAll("[]", ".0").split(".").map(numbered)));
  assert.deepEqual(missing, []);
  parseConfig(everything, file);
});

function numbered(step: string): string | number {
  return /^\d+$/.test(step) ? Number(step) : step;
}

function failure(action: () => unknown): ConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  return assert.fail("nothing was wrong with it");
}
