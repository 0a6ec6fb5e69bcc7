import { isIPv4, isIPv6 } from "node:net";
import * as z from "zod";
import { splitEndpoint } from "./endpoint.ts";

/**
 * The shape of `config.yaml`. Every leaf says what it allows, and that sentence is the error message. Defaults that depend on
 * the role, on the machine or on the file's place are filled in by `complete.ts`; everything else has its default here.
 */
const manualInterface = z.strictObject({
  name: interfaceName(),
  priority: wholeNumber(0, 1000).default(0),
  weight: numberAbove(0, 1_000_000).default(1),
  rate_limit_mbit: numberFrom(0, 1_000_000).default(0),
  role: choice(["primary", "backup", "metered"]).default("primary"),
});

const metrics = z.strictObject({
  dataplane: endpoint().optional(),
  linkmon: endpoint().optional(),
  scheduler: endpoint().optional(),
});

export const fileSchema = z.strictObject({
  role: choice(["client", "server"]).default("client"),
  node: text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "1 to 63 letters, digits, '.', '-' or '_'").optional(),
  server: z.strictObject({ host: host(), port: wholeNumber(1, 65_535).default(8443) }),
  interfaces: z
    .strictObject({
      auto_detect: flag().default(true),
      manual: list(manualInterface, "a list of interfaces, each with a name").default([]),
      exclude: list(
        text(/^[^\s/*]{1,15}\*?$|^\*$/, "an interface name, or the beginning of one followed by '*'"),
        "a list of interface names",
      ).default([]),
    })
    .prefault({}),
  bonding: z
    .strictObject({
      algorithm: choice(["round-robin", "weighted", "latency-based", "adaptive", "redundant"]).default("adaptive"),
      copies: copies().default(2),
      fec: choice(["auto", "off"]).default("auto"),
    })
    .prefault({}),
  security: z.strictObject({ certificate: path(), key: path(), ca: path().optional() }),
  tunnel: z
    .strictObject({
      interface: interfaceName().optional(),
      mtu: automaticOr(1280, 9000).default(0),
      pool_ipv4: cidr(4).default("10.231.0.0/16"),
      pool_ipv6: cidr(6).default("fdeb:0:0:1::/64"),
    })
    .prefault({}),
  routing: z
    .strictObject({
      mode: choice(["default", "split", "none"]).default("default"),
      routes: list(cidr(), "a list of networks such as 192.168.0.0/16").default([]),
      masquerade: flag().default(true),
      uplink: text(/^$|^[^\s/]{1,15}$/, "an interface name, or empty for any").default(""),
    })
    .prefault({}),
  state_dir: path().optional(),
  listen: z
    .strictObject({
      grpc: endpoint().optional(),
      http: endpoint().optional(),
      nats: endpoint().optional(),
      metrics: metrics.prefault({}),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: choice(["trace", "debug", "info", "warn", "error"]).default("info"),
      format: choice(["pretty", "json"]).optional(),
    })
    .prefault({}),
});

export type FileConfig = z.output<typeof fileSchema>;

function choice<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, `must be ${alternatives(values)}`);
}

function flag() {
  return z.boolean("must be true or false");
}

function text(pattern: RegExp, allowed: string) {
  return z.string(`must be ${allowed}`).regex(pattern, `must be ${allowed}`);
}

function wholeNumber(from: number, to: number) {
  const allowed = `must be a whole number from ${from} to ${to}`;
  return z.int(allowed).min(from, allowed).max(to, allowed);
}

function automaticOr(from: number, to: number) {
  const allowed = `must be 0 (automatic) or a whole number from ${from} to ${to}`;
  return z.int(allowed).refine((value) => value === 0 || (value >= from && value <= to), allowed);
}

function copies() {
  const allowed = "must be 0 (all links) or a whole number from 2 to 255";
  return z.int(allowed).refine((value) => value === 0 || (value >= 2 && value <= 255), allowed);
}

function numberFrom(from: number, to: number) {
  const allowed = `must be a number from ${from} to ${to}`;
  return z.number(allowed).min(from, allowed).max(to, allowed);
}

function numberAbove(limit: number, to: number) {
  const allowed = `must be a number above ${limit}, at most ${to}`;
  return z.number(allowed).gt(limit, allowed).max(to, allowed);
}

function interfaceName() {
  return text(/^(?!\.{1,2}$)[^\s/]{1,15}$/, "an interface name: 1 to 15 characters without spaces or '/'");
}

function path() {
  return text(/^[^\0]+$/, "the path of a file or directory, relative to this file or absolute");
}

function host() {
  const allowed = "must be a host name, an IPv4 address or an IPv6 address, without a port";
  return z.string(allowed).refine(isHost, allowed);
}

function isHost(value: string): boolean {
  if (isIPv4(value) || isIPv6(value)) return true;
  const label = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
  const labels = value.replace(/\.$/, "").split(".");
  return value.length <= 253 && labels.every((part) => label.test(part)) && !labels.every((part) => /^\d+$/.test(part));
}

function endpoint() {
  const allowed = "must be an address and a port, such as 127.0.0.1:9080 or [::1]:9080";
  return z.string(allowed).refine((value) => splitEndpoint(value) !== undefined, allowed);
}

function cidr(family?: 4 | 6) {
  const example = family === 6 ? "fdeb:0:0:1::/64" : "10.231.0.0/16";
  const allowed = `must be ${family === undefined ? "a" : `an IPv${family}`} network such as ${example}`;
  return z.string(allowed).refine((value) => isCidr(value, family), allowed);
}

function isCidr(value: string, family: 4 | 6 | undefined): boolean {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(value);
  if (match === null) return false;
  const length = Number(match[2]);
  if (isIPv4(match[1]!)) return family !== 6 && length <= 32;
  return isIPv6(match[1]!) && family !== 4 && length <= 128;
}

function list<T extends z.ZodType>(element: T, allowed: string) {
  return z.array(element, `must be ${allowed}`);
}

function alternatives(values: readonly string[]): string {
  return `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
}
