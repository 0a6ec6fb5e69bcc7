import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { common, telemetry } from "@edgebos/proto";
import type { Uplink } from "../detect/uplink.ts";
import { LinkBook, type LinkOutput } from "./link-book.ts";
import { loadRecords, saveRecords } from "./link-record.ts";

const { LinkCondition, LinkRole, PathState } = common;

test("a new link is found, told with its routing table, and comes up with the first answer", () => {
  const book = bookOf();
  book.handleUplinks([ETH0], at(0));
  const [found, state] = drain(book);
  assert.equal(found?.kind, "found");
  assert.equal(state?.kind, "state");
  assert.deepEqual(
    [state?.link.table, state?.link.addresses, state?.link.condition],
    [8502, ["10.0.0.2", "fd00::2"], LinkCondition.CONNECTING],
  );
  book.handleTelemetry(report({}), at(500));
  assert.deepEqual(kinds(book), ["state eth0", "changed eth0"]);
  assert.equal(book.links()[0]?.condition, LinkCondition.UP);
  assert.equal(book.links()[0]?.sinceMs, 1_000_500);
});

test("addresses whose family has no gateway are not offered as sources", () => {
  const book = bookOf();
  book.handleUplinks([{ ...ETH0, gatewayV6: "" }], at(0));
  assert.deepEqual(book.links()[0]?.addresses, ["10.0.0.2"]);
});

test("quality alone is told at most once a second, and facts at once", () => {
  const book = bookOf();
  book.handleUplinks([ETH0], at(0));
  book.handleTelemetry(report({ txRateBps: 1e6 }), at(500));
  drain(book);
  book.handleTelemetry(report({ txRateBps: 50e6 }), at(1000));
  assert.deepEqual(kinds(book), []);
  book.handleTelemetry(report({ txRateBps: 50e6 }), at(1500));
  assert.deepEqual(kinds(book), ["state eth0"]);
  book.handleUplinks([{ ...ETH0, carrier: false }], at(1510));
  assert.deepEqual(kinds(book), ["state eth0", "changed eth0"]);
});

test("the generation grows with each change of what a socket depends on, and with nothing else", () => {
  const book = bookOf();
  const generations: number[] = [];
  const look = (uplink: Uplink) => {
    book.handleUplinks([uplink], at(generations.length));
    generations.push(book.links()[0]!.generation);
  };
  look(ETH0);
  look({ ...ETH0, mtuBytes: 1400 });
  look({ ...ETH0, carrier: false });
  look(ETH0);
  look({ ...ETH0, gatewayV4: "10.0.0.9" });
  look({ ...ETH0, ifindex: 7, gatewayV4: "10.0.0.9" });
  assert.deepEqual(generations, [1, 1, 2, 3, 4, 5]);
});

test("an interface that goes is told as gone, and its generation goes on when it returns", () => {
  const book = bookOf();
  book.handleUplinks([ETH0], at(0));
  book.handleUplinks([], at(10));
  assert.deepEqual(kinds(book), ["found eth0", "state eth0", "gone eth0"]);
  assert.deepEqual(book.links(), []);
  book.handleUplinks([ETH0], at(20));
  assert.equal(book.links()[0]?.generation, 2);
});

test("configured role, weight and limit are told, and a change of them as well", () => {
  const book = bookOf();
  book.handleUplinks([ETH0], at(0));
  assert.equal(book.links()[0]?.role, LinkRole.PRIMARY);
  drain(book);
  book.handleManual([{ name: "eth0", role: "metered", priority: 2, weight: 3, rate_limit_mbit: 20 }], at(10));
  assert.deepEqual(kinds(book), ["state eth0"]);
  const { role, priority, weight, rateLimitMbit } = book.links()[0]!;
  assert.deepEqual([role, priority, weight, rateLimitMbit], [LinkRole.METERED, 2, 3, 20]);
});

test("a restart of the service changes neither condition nor generation, and is no news", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "linkmon-book-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "linkmon", "links.json");
  const before = bookOf();
  before.handleUplinks([ETH0], at(0));
  before.handleTelemetry(report({}), at(500));
  saveRecords(file, "boot-1", before.records());

  const after = new LinkBook("client", [], loadRecords(file, "boot-1"), at(2000));
  after.handleUplinks([ETH0], at(2000));
  assert.deepEqual(kinds(after), ["state eth0"]);
  const { condition, generation, sinceMs, quality } = after.links()[0]!;
  assert.deepEqual([condition, generation, sinceMs, quality?.rttUs], [LinkCondition.UP, 1, 1_000_500, 20_000]);
});

test("after a reboot only the generation is remembered", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "linkmon-book-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "links.json");
  const before = bookOf();
  before.handleUplinks([ETH0], at(900_000));
  saveRecords(file, "boot-1", before.records());
  const after = new LinkBook("client", [], loadRecords(file, "boot-2"), at(10));
  after.handleUplinks([ETH0], at(10));
  assert.deepEqual(kinds(after), ["found eth0", "state eth0"]);
  assert.equal(after.links()[0]?.generation, 2);
});

test("records that cannot be read are no records", () => {
  assert.equal(loadRecords("/nonexistent/links.json", "boot-1").size, 0);
});

test("while dataplane starts again a link keeps its condition; when it stays away, the link does not", () => {
  const book = bookOf();
  book.handleUplinks([ETH0], at(0));
  book.handleTelemetry(report({}), at(500));
  for (const ms of [1500, 2500, 5000]) book.handleTick(at(ms));
  assert.equal(book.links()[0]?.condition, LinkCondition.UP);
  for (const ms of [6000, 7000]) book.handleTick(at(ms));
  assert.equal(book.links()[0]?.condition, LinkCondition.CONNECTING);
});

test("without a bus nothing is concluded from silence", () => {
  const book = bookOf();
  book.handleUplinks([ETH0], at(0));
  book.handleTelemetry(report({}), at(500));
  book.handleBus(false);
  for (const ms of [6000, 60_000]) book.handleTick(at(ms));
  assert.equal(book.links()[0]?.condition, LinkCondition.UP);
});

function bookOf(): LinkBook {
  return new LinkBook("client", [], new Map(), at(0));
}

function at(ms: number) {
  return { ms, unixMs: 1_000_000 + ms };
}

function report(change: Partial<telemetry.PathSample>): telemetry.PathTelemetry {
  const path = { peer: "server", link: "eth0", state: PathState.UP, srttUs: 20_000, minRttUs: 20_000, ...change };
  return telemetry.PathTelemetry.fromPartial({ paths: [path] });
}

function drain(book: LinkBook): LinkOutput[] {
  const outputs: LinkOutput[] = [];
  for (let output = book.pollOutput(); output; output = book.pollOutput()) outputs.push(output);
  return outputs;
}

function kinds(book: LinkBook): string[] {
  return drain(book).map(({ kind, link }) => `${kind} ${link.name}`);
}

const ETH0: Uplink = {
  name: "eth0",
  ifindex: 2,
  kind: 1,
  mtuBytes: 1500,
  up: true,
  carrier: true,
  sources: [
    { family: 4, address: "10.0.0.2", prefixLength: 24 },
    { family: 6, address: "fd00::2", prefixLength: 64 },
  ],
  gatewayV4: "10.0.0.1",
  gatewayV6: "fe80::1",
};
